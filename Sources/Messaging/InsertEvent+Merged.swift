public import Postgres

extension InsertEvent: MergeableStatement {
    /// Appends many events, in their order.
    public struct Merged: Statement {
        /// One row for each event.
        public static let sql = """
            INSERT INTO outbox (event_id, type, subject, sequence, hlc, traceparent, data)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                $6::text[], $7::text[])
            """
        let events: [InsertEvent]

        /// Binds the events, column by column.
        public func bind(_ parameters: inout Parameters) {
            parameters.append(events.map(\.eventID), events.map(\.type), events.map(\.subject))
            parameters.append(events.map(\.sequence), events.map(\.hlc))
            parameters.append(events.map(\.traceparent), events.map(\.data))
        }
    }

    /// Appends them all.
    public static func merged(_ statements: [InsertEvent]) -> Merged { Merged(events: statements) }
}
