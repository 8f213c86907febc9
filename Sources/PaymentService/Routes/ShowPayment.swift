internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension PaymentRoutes {
    /// `GET /payments/{order_id}`: how far a payment went, for the customer who pays and for admins.
    ///
    /// - Throws: 404 for everybody else, as if there were none; 401 when nobody is signed in.
    func showPayment(_ request: Request) async throws(Problem) -> Response {
        let principal = try request.principal()
        let order: OrderID = try request.parameter("order_id")
        let found: Payment?
        do throws(DatabaseError) {
            found = try await settlement.store.find(order)
        } catch {
            throw Problem(error)
        }
        guard let payment = found, principal.role == .admin || principal.user == payment.customer
        else {
            throw .notFound("there is no such payment")
        }
        return .json(PaymentState(payment))
    }
}

/// A payment as its customer sees it.
struct PaymentState: Sendable, Encodable {
    let orderID: OrderID
    let status: String
    let amountCents: Int64
    let refundedCents: Int64
    let currency: String
    let declineCode: String?

    init(_ payment: Payment) {
        orderID = payment.order
        status = payment.status.visible.rawValue
        amountCents = payment.amountCents
        refundedCents = payment.refundedCents
        currency = payment.currency
        declineCode = payment.declineCode
    }

    private enum CodingKeys: String, CodingKey {
        case orderID = "order_id"
        case status
        case amountCents = "amount_cents"
        case refundedCents = "refunded_cents"
        case currency
        case declineCode = "decline_code"
    }
}
