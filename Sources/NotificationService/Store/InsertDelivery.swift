internal import Postgres
internal import ServiceKit

/// Writes down that a customer was told of an event, once.
struct InsertDelivery: Statement {
    static let sql = """
        INSERT INTO deliveries
            (event_id, user_id, order_id, kind, channel, subject, body, traceparent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (event_id) DO NOTHING
        """
    let delivery: Delivery

    func bind(_ parameters: inout Parameters) {
        parameters.append(
            delivery.eventID,
            delivery.userID,
            delivery.orderID,
            delivery.kind,
            delivery.channel.rawValue,
            delivery.message.subject,
            delivery.message.body,
            delivery.traceparent
        )
    }
}
