internal import Contracts
internal import Postgres

extension InsertOrder: MergeableStatement {
    /// Inserts many pending orders.
    struct Merged: Statement {
        static let sql = """
            INSERT INTO orders (id, customer_id, idempotency_key, fingerprint, status, total_cents,
                currency, payment_method, shipping_address, lines, created_at, updated_at)
            SELECT o.id, o.customer_id, o.key, o.fingerprint, 'pending', o.cents, o.currency,
                o.payment_method, o.address, o.lines, o.placed_at, o.placed_at
            FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::bigint[], $6::text[],
                $7::text[], $8::jsonb[], $9::jsonb[], $10::timestamptz[])
                AS o (id, customer_id, key, fingerprint, cents, currency, payment_method, address,
                    lines, placed_at)
            """
        let rows: [InsertOrder]

        func bind(_ parameters: inout Parameters) {
            parameters.append(rows.map(\.order.id.uuid), rows.map(\.order.customer.uuid))
            parameters.append(rows.map(\.key.rawValue), rows.map(\.fingerprint))
            parameters.append(rows.map(\.order.total.cents), rows.map(\.order.total.currency))
            parameters.append(rows.map(\.order.paymentMethod), rows.map(\.address))
            parameters.append(rows.map(\.lines), rows.map(\.order.createdAt))
        }
    }

    static func merged(_ statements: [InsertOrder]) -> Merged { Merged(rows: statements) }
}
