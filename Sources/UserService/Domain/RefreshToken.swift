internal import Identity

/// A refresh token: 256 random bits that mean nothing but the row they are found by.
struct RefreshToken: Sendable {
    /// What the client keeps, and nobody else.
    let text: String
    /// What the database keeps.
    let hash: [UInt8]

    /// A new one.
    init() {
        text = SecureRandom.token()
        hash = SHA256.hash(text)
    }

    /// One that a client sent; nil if it cannot be ours.
    init?(_ text: String) {
        guard Base64.url.decode(text)?.count == 32 else { return nil }
        self.text = text
        hash = SHA256.hash(text)
    }
}
