internal import Contracts
internal import HTTP

/// What becomes of the wish to cancel an order, by where the order stands.
enum Cancellation: Sendable, Equatable {
    /// Commit the decision.
    case begin
    /// It is not known yet; look again.
    case wait
    /// Cancelled, now or before.
    case done
    /// There is nothing to cancel.
    case refused

    init(of status: OrderStatus) {
        self =
            switch status {
            case .saved, .pending, .cancelling: .wait
            case .confirmed: .begin
            case .cancelled: .done
            case .rejected: .refused
            }
    }

    /// The answer for an order that stands where the client's patience ended.
    ///
    /// - Throws: 409 for an order that cannot be cancelled, or not yet.
    static func answer(for order: Order) throws(Problem) -> Response {
        let location = "/orders/\(order.id)"
        switch order.status {
        case .saved, .pending:
            throw Problem(
                .conflict,
                "order-pending",
                detail: "the order is still being placed; ask again when its fate is known",
                members: ["order_id": .string(order.id.description)],
                headers: [.retryAfter: "1", .location: location]
            )
        case .rejected:
            throw Problem(
                .conflict,
                "order-not-cancellable",
                detail: "the order was rejected, and nothing remains charged",
                members: [
                    "order_id": .string(order.id.description),
                    "order_status": .string(order.status.rawValue),
                ],
                headers: [.location: location]
            )
        case .confirmed, .cancelling, .cancelled:
            return .json(
                OrderDocument(order),
                status: order.status == .cancelled ? .ok : .accepted,
                headers: [.location: location]
            )
        }
    }
}
