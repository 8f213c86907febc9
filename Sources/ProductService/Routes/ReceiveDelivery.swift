internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// `POST /products/{id}/stock`: books what came in, once per `Idempotency-Key`.
    func receiveDelivery(_ request: Request) async throws(Problem) -> Response {
        let person = try request.admin().user
        let key = try request.deliveryKey()
        let id = try request.parameter("id", as: ProductID.self)
        let delivery = try await request.json(DeliveryRequest.self)
        do throws(InvalidInput) { try delivery.validate() } catch { throw error.bodyProblem }
        let deliver = DeliverStock(
            movement: UUIDv7.next(),
            product: id,
            quantity: delivery.quantity,
            person: person,
            key: key
        )
        let booked = try await store.transaction {
            (tx: Transaction<Problem>) async throws(Problem) -> DeliveryOutcome? in
            let booked = try await tx.one(deliver)
            if case .recorded(let receipt) = booked { try await tx.run(event(receipt)) }
            return booked
        }
        switch booked {
        case .recorded(let receipt): return .json(receipt, status: .created)
        case .replayed(let receipt):
            return .json(receipt, status: .created, headers: ["idempotency-replayed": "true"])
        case .mismatch:
            throw Problem(
                .unprocessable,
                "idempotency-key-reused",
                detail: "this Idempotency-Key was used for another delivery"
            )
        case .unknownProduct: throw .notFound("there is no product \(id)")
        case nil: throw .internalError
        }
    }
}

extension Request {
    /// The key that makes a delivery count once.
    fileprivate func deliveryKey() throws(Problem) -> String {
        guard let key = headers[.idempotencyKey], (1...255).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw Problem(
                .badRequest,
                "idempotency-key-missing",
                detail: "a delivery needs an Idempotency-Key of 1 to 255 visible characters"
            )
        }
        return key
    }
}
