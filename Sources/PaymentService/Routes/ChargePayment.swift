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
        guard faults.isEmpty else {
            throw .invalid(faults.map { .init(pointer: $0.pointer, detail: $0.detail) })
        }
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
