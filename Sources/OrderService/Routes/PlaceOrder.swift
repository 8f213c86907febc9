internal import Contracts
internal import HTTP
internal import Identity
internal import Messaging
internal import Postgres
internal import Reactor
internal import Sagas
internal import ServiceKit

extension OrderRoutes {
    /// Places an order once per idempotency key; the saga finishes what this transaction starts.
    @Sendable func placeOrder(_ request: Request) async throws(Problem) -> Response {
        let customer = try request.principal().user
        let key = try IdempotencyKey(of: request)
        let checkout = try Checkout(await request.json(CheckoutRequest.self))
        let fingerprint = try Self.fingerprint(checkout)
        if let known = try await store.one(FindAnswer(customer: customer, key: key)) {
            return try Self.replay(known, fingerprint)
        }
        let quote = try await catalog.quote(checkout)
        guard let order = Order(placing: checkout, quote: quote, by: customer) else {
            throw .invalid("/items", "cost more than can be charged")
        }
        guard try await insert(order, key, fingerprint) else {
            let known = try await store.one(FindAnswer(customer: customer, key: key))
            guard let known else { throw .internalError }
            return try Self.replay(known, fingerprint)
        }
        return await answer(order, within: WaitPreference.of(request))
    }

    /// Stores the order, its saga and its first event; false when the key was used in the meantime.
    private func insert(
        _ order: Order,
        _ key: IdempotencyKey,
        _ fingerprint: [UInt8]
    ) async throws(Problem) -> Bool {
        do throws(DatabaseError) {
            try await commits([
                InsertOrder(order, key: key, fingerprint: fingerprint),
                sagas.start(order.id.uuid),
                outbox.publish(
                    OrderEvent.placed,
                    subject: order.id.description,
                    sequence: 1,
                    data: order.eventData
                ),
            ])
            return true
        } catch .constraint(name: InsertOrder.keyConstraint, kind: .unique) {
            return false
        } catch {
            throw Problem(error)
        }
    }

    /// Drives the saga and waits for the order's fate as long as the client wants to.
    private func answer(_ order: Order, within wait: Duration) async -> Response {
        let outcome = sagas.launch(order.id.uuid, order)
        let deadline = Deadline.after(wait)
        switch await outcome.wait(until: deadline) {
        case .completed:
            return OrderAnswer.confirmed(order.ended(.confirmed)).response(for: order.id)
        case .refused(let refusal):
            let rejected = order.ended(.rejected, because: refusal.reason)
            return OrderAnswer.rejected(rejected, refusal).response(for: order.id)
        case .handedOver, nil:
            return .json(
                OrderDocument(order),
                status: .accepted,
                headers: [.location: "/orders/\(order.id)"]
            )
        }
    }

    /// What the key has led to, for the same checkout.
    ///
    /// - Throws: 422 for another checkout, 409 while the first one is still running.
    private static func replay(
        _ known: KnownKey,
        _ fingerprint: [UInt8]
    ) throws(Problem) -> Response {
        guard known.fingerprint == fingerprint else {
            throw Problem(
                .unprocessable,
                "idempotency-key-reused",
                detail: "this Idempotency-Key belongs to another checkout; use a new one"
            )
        }
        guard let answer = known.answer else {
            throw Problem(
                .conflict,
                "order-pending",
                detail: "the order of this Idempotency-Key is still being placed",
                members: ["order_id": .string(known.orderID.description)],
                headers: [.retryAfter: "1", .location: "/orders/\(known.orderID)"]
            )
        }
        return answer.response(for: known.orderID, isReplay: true)
    }

    /// What tells one checkout from another: a digest of its canonical JSON.
    private static func fingerprint(_ checkout: Checkout) throws(Problem) -> [UInt8] {
        guard let canonical = try? JSON.encode(checkout) else { throw .internalError }
        return SHA256.hash(canonical)
    }
}
