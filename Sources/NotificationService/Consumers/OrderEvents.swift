internal import Contracts
internal import Messaging
internal import Postgres

/// What is to be done about an event of the order service.
enum Reaction: Sendable, Equatable {
    /// Tell the customer.
    case deliver(Delivery)
    /// It cannot be understood, for this reason; an operator has to see it.
    case refuse(String)
    /// It is not for us.
    case ignore

    /// The types that lead to something.
    static let types = [OrderEvent.confirmed, OrderEvent.rejected, OrderEvent.cancelled]

    /// Decides by the event's type and content alone.
    init(to event: CloudEvent) {
        let compose: (OrderEventData) -> Message
        switch event.type {
        case OrderEvent.confirmed: compose = Message.confirmed
        case OrderEvent.rejected: compose = Message.rejected
        case OrderEvent.cancelled: compose = Message.cancelled
        default:
            self = .ignore
            return
        }
        guard let order = try? event.content(as: OrderEventData.self) else {
            self = .refuse("the content is not that of an order")
            return
        }
        self = .deliver(
            Delivery(
                eventID: event.id,
                userID: order.customerID,
                orderID: order.orderID,
                kind: event.type,
                channel: .inbox,
                message: compose(order),
                traceparent: event.traceparent
            )
        )
    }
}

/// Applies the order service's events, each in the transaction that moves the cursor.
enum OrderEvents {
    static func apply(
        _ event: CloudEvent,
        in transaction: Transaction<DatabaseError>
    ) async throws(DatabaseError) {
        try await Reaction(to: event).apply(in: transaction)
    }
}

extension Reaction {
    /// Writes down what is to be done.
    ///
    /// - Throws: `.decoding` for an event that an operator has to see.
    func apply(in transaction: Transaction<DatabaseError>) async throws(DatabaseError) {
        switch self {
        case .deliver(let delivery):
            try await transaction.add(InsertDeliveries(deliveries: [delivery]))
        case .refuse(let reason): throw .decoding(reason)
        case .ignore: break
        }
    }
}
