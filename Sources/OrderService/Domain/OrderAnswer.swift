internal import Contracts
internal import FoundationEssentials
internal import HTTP
internal import Sagas

/// What `POST /orders` answers once an order's fate is known: stored with the fate, and given again
/// to whoever repeats the key.
struct OrderAnswer: Sendable, Hashable {
    let status: Int
    /// JSON text.
    let body: [UInt8]

    /// The answer for an order that was confirmed.
    static func confirmed(_ order: Order) -> OrderAnswer {
        OrderAnswer(status: Status.created.code, body: json(OrderDocument(order)))
    }

    /// The answer for an order that was rejected.
    static func rejected(_ order: Order, _ refusal: Refusal) -> OrderAnswer {
        let problem = problem(order, refusal)
        return OrderAnswer(status: problem.status.code, body: json(problem))
    }

    /// The problem that tells why an order was rejected.
    private static func problem(_ order: Order, _ refusal: Refusal) -> Problem {
        var members = members(of: refusal)
        members["order_id"] = .string(order.id.description)
        let instance = "/orders/\(order.id)"
        var problem: Problem
        switch refusal.reason {
        case RefusalReason.outOfStock:
            problem = Problem(
                .conflict,
                "out-of-stock",
                detail: "some items are not in stock in the quantity asked for",
                members: members
            )
        case RefusalReason.cardDeclined:
            problem = Problem(
                .paymentRequired,
                "card-declined",
                detail: "the card was declined",
                members: members
            )
        case RefusalReason.unknownPaymentMethod:
            problem = Problem(
                .unprocessable,
                "unknown-payment-method",
                detail: "the payment provider does not know this payment method",
                errors: [Problem.Field(pointer: "/payment_method", detail: "is not known")],
                members: members
            )
        case Refusal.timedOut.reason:
            problem = Problem(
                .gatewayTimeout,
                "order-timed-out",
                detail: "the order could not be completed in time; nothing remains charged",
                members: members
            )
        default:
            problem = Problem(
                .conflict,
                "order-rejected",
                detail: "the order was rejected",
                members: members
            )
        }
        problem.instance = instance
        return problem
    }

    private static func members(of refusal: Refusal) -> [String: JSONValue] {
        let value = try? JSON.decode(JSONValue.self, from: Array(refusal.detail.utf8))
        guard case .object(let members) = value else { return [:] }
        return members
    }

    private static func json(_ value: some Encodable) -> [UInt8] {
        // Orders and problems consist of text and whole numbers, which always encode.
        (try? JSON.encode(value)) ?? Array("{}".utf8)
    }

    /// The answer as a response.
    func response(for id: OrderID, isReplay: Bool = false) -> Response {
        let isProblem = status >= 400
        var headers: Headers = [
            .contentType: isProblem ? "application/problem+json" : "application/json",
            .location: "/orders/\(id)",
        ]
        if isReplay { headers["idempotency-replayed"] = "true" }
        return Response(Status(status), headers: headers, body: .bytes(body))
    }
}

/// Why the place-order saga is given up.
enum RefusalReason {
    static let outOfStock = "out-of-stock"
    static let cardDeclined = "card-declined"
    static let unknownPaymentMethod = "unknown-payment-method"
}
