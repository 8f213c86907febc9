internal import HTTP
internal import Messaging
internal import Postgres

/// Sets an event aside that could not be understood.
struct ParkEvent: Statement {
    static let sql = """
        INSERT INTO parked_events (event_id, type, subject, data, reason)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (event_id) DO NOTHING
        """
    let event: CloudEvent
    let reason: String

    func bind(_ parameters: inout Parameters) {
        // What came as JSON goes as JSON; null stands in for what cannot be written again.
        let data = (try? JSON.encode(event.data)) ?? Array("null".utf8)
        parameters.append(
            event.id,
            event.type,
            event.subject,
            String(decoding: data, as: UTF8.self),
            reason
        )
    }
}
