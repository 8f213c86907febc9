internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension PaymentRoutes {
    /// `PUT /payments/{order_id}`: takes the money for an order once, however often it is asked.
    ///
    /// - Throws: 402 declined, 409 voided before, 422 for something else than before or an unfit
    ///   request, 503 when nobody knows yet; only 503 is worth asking again.
    func chargePayment(_ request: Request) async throws(Problem) -> Response {
        let order: OrderID = try request.parameter("order_id")
        let charge = try await request.json(ChargeRequest.self, limit: Self.bodyLimit)
        let faults = charge.fieldErrors
        guard faults.isEmpty else { throw .unfit(faults) }
        let settled: Settlement.Settled
        do throws(DatabaseError) {
            settled = try await settlement.charge(order, charge)
        } catch {
            throw Problem(error)
        }
        outcomes.count(.charge, settled.outcome)
        return try answer(settled)
    }

    /// A charge request is far smaller; what is larger is a mistake.
    static let bodyLimit = 16 << 10
}

extension Problem {
    /// Names every unfit field.
    ///
    /// A payment method that cannot be a token is one that the provider does not know, and is
    /// called so if it is all that is wrong.
    fileprivate static func unfit(_ faults: [FieldError]) -> Problem {
        var problem = invalid(faults.map { Field(pointer: $0.pointer, detail: $0.detail) })
        if faults.allSatisfy({ $0.pointer == "/payment_method" }) {
            problem.type = ProblemType.unknownPaymentMethod
            problem.title = "Unknown payment method"
        }
        return problem
    }
}
