public import Postgres

// What the sagas of many callers write in common commits: the same as one by one, with arrays for values.

extension StartSaga: MergeableStatement {
    /// Starts many sagas.
    public struct Merged: Statement {
        /// One row for each.
        public static let sql = """
            INSERT INTO saga_pending
                (saga_id, kind, version, phase, epoch, driver, next_at, deadline, traceparent)
            SELECT s.id, s.kind, s.version, s.phase, 1, s.driver,
                clock_timestamp() + s.lease * interval '1 millisecond',
                clock_timestamp() + s.deadline * interval '1 millisecond',
                nullif(s.traceparent, '')
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                $6::integer[], $7::text[], $8::text[])
                AS s (id, kind, driver, lease, deadline, version, phase, traceparent)
            """
        let sagas: [StartSaga]

        /// Binds the rows, column by column.
        public func bind(_ parameters: inout Parameters) {
            parameters.append(sagas.map(\.id), sagas.map(\.kind), sagas.map(\.driver))
            parameters.append(sagas.map(\.leaseMilliseconds), sagas.map(\.deadlineMilliseconds))
            parameters.append(sagas.map(\.version), sagas.map(\.phase.rawValue))
            parameters.append(sagas.map(\.traceparent))
        }
    }

    /// Starts them all.
    public static func merged(_ statements: [StartSaga]) -> Merged { Merged(sagas: statements) }
}

extension EndSaga: MergeableStatement {
    struct Merged: Statement {
        static let sql = "SELECT saga_end_many($1, $2, $3, $4)"
        let sagas: [EndSaga]

        func bind(_ parameters: inout Parameters) {
            parameters.append(
                sagas.map(\.id),
                sagas.map(\.kind),
                sagas.map(\.epoch),
                sagas.map(\.phase.rawValue)
            )
        }
    }

    static func merged(_ statements: [EndSaga]) -> Merged { Merged(sagas: statements) }
}

extension InsertSagaLog: MergeableStatement {
    /// Appends to many histories.
    public struct Merged: Statement {
        /// One row for each.
        public static let sql = """
            INSERT INTO saga_log (saga_id, epoch, driver, entries)
            SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])
            """
        let rows: [InsertSagaLog]

        /// Binds the rows, column by column.
        public func bind(_ parameters: inout Parameters) {
            parameters.append(rows.map(\.id), rows.map(\.epoch))
            parameters.append(rows.map(\.driver), rows.map(\.text))
        }
    }

    /// Appends them all.
    public static func merged(_ statements: [InsertSagaLog]) -> Merged { Merged(rows: statements) }
}
