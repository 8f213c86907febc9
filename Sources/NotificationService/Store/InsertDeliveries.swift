internal import Contracts
internal import Postgres

/// Writes down that customers were told of events, each once: what was written before is left alone.
struct InsertDeliveries: Statement {
    static let sql = """
        INSERT INTO deliveries
            (event_id, user_id, order_id, kind, channel, subject, body, traceparent)
        SELECT d.event_id, d.user_id, d.order_id, d.kind, d.channel, d.subject, d.body,
            d.traceparent
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::text[]) WITH ORDINALITY
            AS d (event_id, user_id, order_id, kind, channel, subject, body, traceparent, place)
        ORDER BY d.place
        ON CONFLICT (event_id) DO NOTHING
        """
    let deliveries: [Delivery]

    func bind(_ parameters: inout Parameters) {
        parameters.append(deliveries.map(\.eventID), deliveries.map(\.userID.uuid))
        parameters.append(deliveries.map(\.orderID.uuid), deliveries.map(\.kind))
        parameters.append(deliveries.map(\.channel.rawValue))
        parameters.append(deliveries.map(\.message.subject), deliveries.map(\.message.body))
        parameters.append(deliveries.map(\.traceparent))
    }
}

extension InsertDeliveries: MergeableStatement {
    static func merged(_ statements: [InsertDeliveries]) -> InsertDeliveries {
        InsertDeliveries(deliveries: statements.flatMap(\.deliveries))
    }
}
