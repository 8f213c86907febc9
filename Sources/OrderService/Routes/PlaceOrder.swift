internal import Contracts
internal import HTTP
internal import Messaging
internal import Postgres
internal import Reactor
internal import Sagas
internal import ServiceKit

extension OrderRoutes {
    /// Places an order once per idempotency key; the saga finishes what this transaction starts.
    @Sendable func placeOrder(_ request: Request) async throws(Problem) -> Response {
        let submission = try await Submission(request)
        let group = await gathering.join()
        defer { gathering.leave(group) }
        let stored: StoredCart?
        let known: KnownKey?
        do throws(DatabaseError) {
            // Before the key: whoever finds the cart emptied by this key's order finds the key as well.
            if submission.wish.isCart {
                stored = try await store.database.cart(of: submission.customer)
            } else {
                stored = nil
            }
            known = try await answers.submit(submission.findAnswer, key: nil)
        } catch {
            return try await save(submission, nil, because: error)
        }
        if let known {
            recent.remember(submission.id)
            return try Self.replay(known, submission.fingerprint)
        }
        if let saved = saved?.find(submission.customer, submission.key) {
            return try Self.replay(saved, submission.fingerprint)
        }
        if let stored { try request.requireMatch(stored.entityTag) }
        let cart = stored?.cart ?? Cart()
        let order = try await priced(try submission.wish.checkout(of: cart), for: submission)
        do throws(DatabaseError) {
            if try await insert(order, submission.key, submission.fingerprint, taking: cart) {
                recent.remember(order.id)
                return await answer(order, within: WaitPreference.of(request))
            }
        } catch {
            return try await save(submission, order, because: error)
        }
        recent.remember(submission.id)
        guard let known = try await store.one(submission.findAnswer) else { throw .internalError }
        return try Self.replay(known, submission.fingerprint)
    }

    /// The order that a checkout comes to at today's prices.
    ///
    /// - Parameter remembering: take the last prices known when the catalog does not answer.
    func priced(
        _ checkout: Checkout,
        for submission: Submission,
        remembering: Bool = false
    ) async throws(Problem) -> Order {
        let quote = try await catalog.quote(checkout, remembering: remembering)
        let order = Order(
            placing: checkout,
            quote: quote,
            by: submission.customer,
            as: submission.id
        )
        guard let order else { throw .invalid(checkout.pointer, "cost more than can be charged") }
        return order
    }

    /// Stores the order, its saga and its first event; false when the key was used in the meantime.
    ///
    /// - Parameters:
    ///   - cart: what the order buys of its customer's cart; what is in there is taken out.
    ///   - deadline: how long the saga has, if not as long as a checkout has.
    func insert(
        _ order: Order,
        _ key: IdempotencyKey,
        _ fingerprint: [UInt8],
        taking cart: Cart = Cart(),
        deadline: Duration? = nil
    ) async throws(DatabaseError) -> Bool {
        let wall = ProcessClock.milliseconds
        let take = TakeFromCart(cart, of: order.customer, for: order.id, wall: wall)
        do throws(DatabaseError) {
            let statements: [any Statement] = try [
                InsertOrder(order, key: key, fingerprint: fingerprint),
                sagas.start(order.id.uuid, deadline: deadline),
                outbox.publish(
                    OrderEvent.placed,
                    subject: order.id.description,
                    sequence: 1,
                    data: order.eventData
                ),
            ]
            // Last: a repeated key is told of before a cart that its order has emptied.
            try await commits(take.lines.isEmpty ? statements : statements + [take])
            return true
        } catch {
            if error.isOutcomeUncertain {
                sagas.launch(ifStarted: order.id.uuid, order, deadline: deadline)
            }
            guard case .constraint(let name, .unique) = error,
                InsertOrder.keyConstraints.contains(name)
            else { throw error }
            return false
        }
    }

    /// Drives the saga and waits for the order's fate as long as the client wants to.
    private func answer(_ order: Order, within wait: Duration) async -> Response {
        awaited.expect(order.id)
        let outcome = sagas.launch(order.id.uuid, order)
        let fate = await outcome.wait(until: .after(wait))
        let answer = awaited.take(order.id)
        switch fate {
        case .completed, .refused:
            if let answer { return answer.response(for: order.id) }
        case .handedOver, nil: break
        }
        return .json(
            OrderDocument(order),
            status: .accepted,
            headers: [.location: "/orders/\(order.id)"]
        )
    }

    /// What the key has led to, for the same checkout.
    ///
    /// - Throws: 422 for another checkout, 409 while the first one is still running.
    private static func replay(
        _ known: KnownKey,
        _ fingerprint: [UInt8]
    ) throws(Problem) -> Response {
        guard known.fingerprint == fingerprint else { throw .keyReused }
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
}
