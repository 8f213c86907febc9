internal import Contracts
internal import Postgres

extension EndOrder: MergeableStatement {
    /// Seals the fates of many pending orders.
    struct Merged: Statement {
        static let sql = """
            UPDATE orders
            SET status = e.status, reason = e.reason, answer_status = e.answer_status,
                answer = e.answer, updated_at = e.ended_at, version = version + 1
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::jsonb[],
                $6::timestamptz[]) AS e (id, status, reason, answer_status, answer, ended_at)
            WHERE orders.id = e.id AND orders.status = 'pending'
            """
        let ends: [EndOrder]

        func bind(_ parameters: inout Parameters) {
            parameters.append(ends.map(\.order.id.uuid), ends.map(\.order.status.rawValue))
            parameters.append(ends.map(\.order.reason), ends.map { Int32($0.answer.status) })
            parameters.append(ends.map { JSONText($0.answer.body) }, ends.map(\.order.updatedAt))
        }
    }

    static func merged(_ statements: [EndOrder]) -> Merged { Merged(ends: statements) }
}
