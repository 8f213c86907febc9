internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension OrderRoutes {
    /// What a checkout whose database is out of reach is answered: 202, once it is on the local disk.
    ///
    /// - Throws: what the database's error means, when there is no journal or the error is another one;
    ///   503 when the order can be saved nowhere, or is of what a cart holds that cannot be read; 422 when another checkout waits under the key; 409 when the order is known to be placed, or the cart was changed meanwhile.
    func save(
        _ submission: Submission,
        _ order: Order?,
        because error: DatabaseError
    ) async throws(Problem) -> Response {
        guard !TakeFromCart.isRefusal(error) else { throw .cartChanged }
        guard let saved, error.meansUnreachable else { throw Problem(error) }
        // Before the journal, which may not have forgotten it yet.
        guard !recent.contains(submission.id) else { throw .unreadable(submission.id) }
        if let known = saved.find(submission.customer, submission.key) {
            return try Self.replay(known, submission.fingerprint)
        }
        guard case .items(let checkout) = submission.wish else {
            // What is in the cart can be neither read nor taken out; but the order may be placed.
            throw order == nil ? .cartUnreadable : Problem(error)
        }
        let quoted: Order
        if let order {
            quoted = order
        } else {
            quoted = try await priced(checkout, for: submission, remembering: true)
        }
        let asked = SavedOrder(quoted, key: submission.key, fingerprint: submission.fingerprint)
        let stored = try await saved.save(asked)
        if stored.isFirst { return Self.response(stored.saved, isReplay: false) }
        return try Self.replay(stored.saved, submission.fingerprint)
    }

    /// What a key has led to whose order waits in the journal.
    ///
    /// - Throws: 422 for another checkout.
    static func replay(
        _ saved: SavedOrder,
        _ fingerprint: [UInt8]
    ) throws(Problem) -> Response {
        guard saved.fingerprint == fingerprint else { throw .keyReused }
        return response(saved, isReplay: true)
    }

    private static func response(_ saved: SavedOrder, isReplay: Bool) -> Response {
        var headers: Headers = [.location: "/orders/\(saved.order.id)"]
        if isReplay { headers["idempotency-replayed"] = "true" }
        return .json(saved.document, status: .accepted, headers: headers)
    }
}

extension Problem {
    /// 422: an idempotency key came again with another body.
    static let keyReused = Problem(
        .unprocessable,
        "idempotency-key-reused",
        detail: "this Idempotency-Key belongs to another checkout; use a new one"
    )

    /// 409: an order that is placed cannot be read.
    ///
    /// Not 503, which a gateway would take to another replica: that one may know nothing of the order, and
    /// save it.
    fileprivate static func unreadable(_ id: OrderID) -> Problem {
        Problem(
            .conflict,
            "order-pending",
            detail: "the order of this Idempotency-Key is placed; how it stands cannot be read at "
                + "the moment",
            members: ["order_id": .string(id.description)],
            headers: [.retryAfter: "1", .location: "/orders/\(id)"]
        )
    }

    /// 409: what was to be bought is not what the cart holds.
    fileprivate static let cartChanged = Problem(
        .conflict,
        "cart-changed",
        detail:
            "the cart was changed while it was being bought; nothing was bought, look at it again"
    )

    /// 503: without a database nobody knows what the cart holds.
    fileprivate static let cartUnreadable = Problem.unavailable(
        "the cart cannot be read at the moment, and nothing was bought; ask again with the same key, or "
            + "send the items themselves: such an order is saved",
        retryAfter: .seconds(2)
    )
}
