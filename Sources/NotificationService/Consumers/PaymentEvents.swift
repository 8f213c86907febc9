internal import Contracts
internal import Messaging
internal import Postgres

/// Applies the payment service's events, each in the transaction that moves the cursor.
///
/// Of a charge and of a refused card the order's own event tells; a refund takes its time, and is
/// told when the provider has made it.
enum PaymentEvents {
    /// The types that lead to something.
    static let types = [PaymentEvent.refunded]

    static func reaction(to event: CloudEvent) -> Reaction {
        guard event.type == PaymentEvent.refunded else { return .ignore }
        guard let payment = try? event.content(as: PaymentEventData.self) else {
            return .refuse("the content is not that of a payment")
        }
        return .deliver(
            Delivery(
                eventID: event.id,
                userID: payment.customerID,
                orderID: payment.orderID,
                kind: event.type,
                channel: .inbox,
                message: Message.refunded(payment),
                traceparent: event.traceparent
            )
        )
    }

    static func apply(
        _ event: CloudEvent,
        in transaction: Transaction<DatabaseError>
    ) async throws(DatabaseError) {
        try await reaction(to: event).apply(in: transaction)
    }
}
