internal import FoundationEssentials
internal import Identity

/// Sessions that have ended while some of their access tokens had not: those tokens are refused.
///
/// Pure; times are seconds since 1970. A session is forgotten when its last token has expired. Should
/// more end than there is room for, every token issued so far is refused instead: their owners trade
/// refresh tokens for new ones, which is a nuisance, and no ended session comes back.
struct EndedSessions: Sendable {
    /// About 16 MiB, and as many as end within a quarter of an hour at 270 a second.
    static let limit = 262_144
    private static let memory =
        AccessToken.lifetime.components.seconds + 2 * AccessToken.leeway.components.seconds

    private let limit: Int
    private var ends: [UUID: Int64] = [:]
    private var nextSweep = Int64.min
    /// Tokens issued at this time or before are refused.
    private(set) var refusedUntil = Int64.min

    init(limit: Int = EndedSessions.limit) { self.limit = limit }

    /// How many sessions are known by name.
    var count: Int { ends.count }

    /// Takes note that a session has ended, as was heard at `now`.
    mutating func add(_ session: UUID, at now: Int64) {
        if now >= nextSweep || ends.count >= limit {
            nextSweep = now + 60
            ends = ends.filter { $0.value > now }
        }
        if ends.count >= limit {
            refusedUntil = now
            ends = [:]
        }
        // Known ones keep their end: what is told twice must not be remembered for ever.
        if ends[session] == nil { ends[session] = now + Self.memory }
    }

    /// Whether a token with these claims is void.
    func refuse(_ claims: AccessClaims) -> Bool {
        claims.issuedAt <= refusedUntil || ends[claims.session] != nil
    }
}
