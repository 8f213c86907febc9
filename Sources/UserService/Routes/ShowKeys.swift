internal import HTTP
internal import Identity

extension UserRoutes {
    /// The public keys that access tokens are checked with, as a JWK Set (RFC 7517).
    ///
    /// Cached for less time than a key is published before it signs.
    func showKeys(_ request: Request) async throws(Problem) -> Response {
        .bytes(
            KeySet(keys.current.published(at: now())).json(),
            type: "application/jwk-set+json",
            headers: [.cacheControl: "public, max-age=300"]
        )
    }
}
