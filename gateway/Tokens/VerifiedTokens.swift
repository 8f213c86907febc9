internal import Identity
internal import Synchronization

/// Tokens whose signature was checked, by the digest of the whole token, bounded in number.
///
/// ECDSA signatures can be changed and stay valid, so nothing less than the whole token is the key.
final class VerifiedTokens: Sendable {
    private final class Cell: Sendable {
        let claims = Mutex<[SHA256.Digest: AccessClaims]>([:])
    }

    private let cells: [Cell]
    private let limit: Int

    /// A cache of at most about `limit` tokens.
    init(limit: Int = 32_768, shards: Int = 8) {
        self.limit = max(1, limit / shards)
        cells = (0..<shards).map { _ in Cell() }
    }

    /// What the token with this digest says; it may have expired meanwhile.
    func find(_ digest: SHA256.Digest) -> AccessClaims? {
        cell(digest).claims.withLock { $0[digest] }
    }

    /// Keeps what a genuine token says, at `now` in seconds since 1970.
    func insert(_ digest: SHA256.Digest, _ claims: AccessClaims, now: Int64) {
        cell(digest).claims.withLock { cache in
            if cache.count >= limit {
                cache = cache.filter { $0.value.expiresAt > now }
            }
            // All are valid: half go, so that it is long until the next look at all of them.
            if cache.count >= limit {
                cache = Dictionary(uniqueKeysWithValues: cache.lazy.prefix(limit / 2).map { $0 })
            }
            cache[digest] = claims
        }
    }

    /// Forgets one that is valid no more.
    func remove(_ digest: SHA256.Digest) {
        cell(digest).claims.withLock { _ = $0.removeValue(forKey: digest) }
    }

    /// Forgets all: a key they may have been signed with is not believed any more.
    func removeAll() {
        for cell in cells { cell.claims.withLock { $0 = [:] } }
    }

    /// How many there are.
    var count: Int { cells.reduce(0) { $0 + $1.claims.withLock { $0.count } } }

    private func cell(_ digest: SHA256.Digest) -> Cell {
        cells[digest.shard(of: cells.count)]
    }
}
