internal import Identity

/// The keys that access tokens are signed with, and when each of them does what.
///
/// A key is published before it signs, for longer than any verifier caches the key set, and stays
/// published after it has stopped until the last token it signed has expired. Times are seconds
/// since 1970.
struct Keyring: Sendable {
    /// One key of the shared table.
    struct Entry: Sendable {
        let key: SigningKey
        let createdAt: Int64
        /// When it stops signing.
        let notAfter: Int64
    }

    /// How long a key signs.
    static let lifetime: Int64 = 90 * 86_400
    /// How long before its end the next one is made.
    static let overlap: Int64 = 7 * 86_400
    /// How long a key is published before it signs.
    static let notice: Int64 = 3600
    /// How long a key stays published after it has stopped.
    private static let afterlife =
        AccessToken.lifetime.components.seconds + 2 * AccessToken.leeway.components.seconds

    /// Oldest first.
    let entries: [Entry]

    init(_ entries: [Entry]) { self.entries = entries.sorted { $0.createdAt < $1.createdAt } }

    /// The key to sign with: the newest that everybody has had time to see, or else the oldest.
    func signing(at now: Int64) -> SigningKey? {
        let usable = entries.filter { now < $0.notAfter }
        return (usable.last { $0.createdAt + Self.notice <= now } ?? usable.first)?.key
    }

    /// The keys that verifiers need.
    func published(at now: Int64) -> [VerifyingKey] {
        entries.filter { now < $0.notAfter + Self.afterlife }.map(\.key.verifyingKey)
    }

    /// Whether it is time to make another key.
    func needsKey(at now: Int64) -> Bool {
        !entries.contains { now < $0.notAfter - Self.overlap }
    }
}
