internal import Contracts
internal import HTTP
internal import Postgres
internal import Reactor
internal import ServiceKit

extension OrderRoutes {
    /// How often a change is tried while other devices change the same cart.
    private static let cartTries = 16
    /// The longest pause between two tries.
    private static let longestCartPause = Duration.milliseconds(20)

    /// Changes the caller's cart to what `change` makes of it, after whatever other devices did.
    ///
    /// - Parameter change: decides; it may be asked again about a newer cart.
    /// - Throws: what `change` throws; 412 when the request is for another version; 422 for more lines
    ///   than a cart has.
    func changeCart(
        _ request: Request,
        _ change: (inout Cart, _ wall: Int64) throws(Problem) -> Void
    ) async throws(Problem) -> Response {
        let customer = try request.principal().user
        for attempt in 0..<Self.cartTries {
            if attempt > 0 {
                let pause = Self.longestCartPause * Double.random(in: 0..<1)
                try? await EventLoop.sleep(for: pause)
            }
            let stored = try await cart(of: customer)
            try request.requireMatch(stored.entityTag)
            var cart = stored.cart
            let wall = ProcessClock.milliseconds
            try change(&cart, wall)
            cart.forget(wall: wall)
            guard cart != stored.cart else { return stored.response }
            let count = cart.lines.count
            guard count <= max(Cart.maxLines, stored.cart.lines.count) else {
                throw .cartFull(count)
            }
            let write = WriteCart(cart, of: customer, after: stored)
            if let version = try await store.one(write) {
                return StoredCart(cart: cart, version: version).response
            }
        }
        throw .unavailable("the cart keeps changing", retryAfter: .seconds(1))
    }

    func cart(of customer: UserID) async throws(Problem) -> StoredCart {
        do throws(DatabaseError) {
            return try await store.database.cart(of: customer)
        } catch {
            throw Problem(error)
        }
    }
}

extension StoredCart {
    /// For its owner's eyes, and to be asked for again each time.
    var response: Response {
        .json(
            CartDocument(cart),
            headers: [.etag: entityTag, .cacheControl: "private, no-cache"]
        )
    }
}

extension Problem {
    fileprivate static func cartFull(_ count: Int) -> Problem {
        Problem(
            .unprocessable,
            "cart-full",
            detail:
                "the cart would have \(count) lines, more than \(Cart.maxLines); nothing was changed"
        )
    }
}
