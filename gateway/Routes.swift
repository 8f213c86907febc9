internal import HTTP

/// The gateway's table: what clients may ask for, and who answers.
///
/// What is not here does not exist for clients; services' other routes are for each other.
extension Route {
    static let table: [Route] = [
        // Accounts. Hashing a password takes its time.
        Route(.post, "/users", .user, .anyone, timeout: .seconds(5)),
        Route(.post, "/users/login", .user, .anyone, limit: .signIn, timeout: .seconds(5)),
        Route(.post, "/users/refresh", .user, .anyone),
        Route(.post, "/users/logout", .user, .anyone),
        Route(.get, "/users/me", .user, .user),
        Route(.patch, "/users/me", .user, .user),
        Route(.get, "/.well-known/jwks.json", .user, .anyone),

        // The catalog is open; a token, if there is one, decides whose limit counts.
        Route(.get, "/products", .product, .optional),
        Route(.get, "/products/{id}", .product, .optional),
        Route(.post, "/products", .product, .admin),
        Route(.patch, "/products/{id}", .product, .admin),
        Route(.delete, "/products/{id}", .product, .admin),
        Route(.post, "/products/{id}/stock", .product, .admin, honoursKey: true),

        // A client may ask to wait ten seconds for its order (`Prefer: wait=10`).
        Route(.post, "/orders", .order, .user, timeout: .seconds(15), honoursKey: true),
        Route(.get, "/orders", .order, .user),
        Route(.get, "/orders/{id}", .order, .user),
        Route(.get, "/orders/{id}/timeline", .order, .user),
        Route(
            .post,
            "/orders/{id}/cancel",
            .order,
            .user,
            timeout: .seconds(15),
            honoursKey: true
        ),

        Route(.get, "/payments/{order_id}", .payment, .user),

        Route(.get, "/notifications", .notification, .user),

        // Control room.
        Route(.get, "/ops/sagas", .order, .admin),
        Route(.get, "/ops/sagas/{id}", .order, .admin),
        Route(.post, "/ops/sagas/{id}/retry", .order, .admin, honoursKey: true),
    ]
}
