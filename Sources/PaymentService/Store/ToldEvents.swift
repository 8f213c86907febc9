internal import Contracts
internal import Messaging
internal import Postgres

/// The events of changes, for the statement that makes the changes: an event whose change did not
/// happen is not told either.
struct ToldEvents: Sendable {
    /// Inserts the events of the orders in `changed` into the outbox, from seven arrays beginning with
    /// the place `first`.
    static func sql(first: Int) -> String {
        let types = ["uuid", "text", "text", "bigint", "bigint", "text", "text"]
        let arrays = types.enumerated().map { "$\(first + $0)::\($1)[]" }
        return """
            INSERT INTO outbox (event_id, type, subject, sequence, hlc, traceparent, data)
            SELECT e.event_id, e.type, e.subject, e.sequence, e.hlc, nullif(e.traceparent, ''), e.data
            FROM unnest(\(arrays.joined(separator: ", ")))
                AS e (event_id, type, subject, sequence, hlc, traceparent, data)
            JOIN changed ON changed.order_id::text = e.subject
            """
    }

    let events: [InsertEvent]

    func bind(_ parameters: inout Parameters) {
        parameters.append(events.map(\.eventID), events.map(\.type), events.map(\.subject))
        parameters.append(events.map(\.sequence), events.map(\.hlc))
        parameters.append(events.map { $0.traceparent ?? "" }, events.map(\.data))
    }
}

extension Outbox {
    /// The event that tells of a change; none where there is no news in it.
    func told(_ change: PaymentChange, of payment: Payment) throws(DatabaseError) -> [InsertEvent] {
        guard let news = PaymentNews(change, of: payment) else { return [] }
        return [
            try publish(
                news.type,
                subject: payment.order.description,
                sequence: news.sequence,
                data: news.data
            )
        ]
    }
}
