internal import Identity

/// The `Stripe-Signature` of a webhook: a time and tags of it and the content, `t=…,v1=…`.
///
/// https://docs.stripe.com/webhooks#verify-manually
struct WebhookSignature: Sendable, Equatable {
    /// How old a signature may be, and how far ahead its clock: what was overheard is soon worthless.
    static let tolerance: Int64 = 300
    /// The secret is rolled with two valid at a time; more are noise.
    static let maxTags = 4

    /// Seconds since 1970.
    let time: Int64
    /// HMAC-SHA256 each.
    let tags: [[UInt8]]

    /// Reads the header; nil without one time and at least one tag.
    ///
    /// Other schemes are passed over.
    init?(_ header: String) {
        var time: Int64?
        var tags: [[UInt8]] = []
        guard header.utf8.count <= 1024 else { return nil }
        for part in header.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { return nil }
            switch (pair.first, pair.last) {
            case ("t", .some(let value)):
                guard time == nil, let seconds = Int64(value) else { return nil }
                time = seconds
            case ("v1", .some(let value)):
                guard let tag = Self.bytes(value), tags.count < Self.maxTags else { return nil }
                tags.append(tag)
            default: continue
            }
        }
        guard let time, !tags.isEmpty else { return nil }
        self.time = time
        self.tags = tags
    }

    /// Whether one of the tags is made of this content with this secret, not long ago.
    ///
    /// - Parameter now: seconds since 1970.
    func proves(_ content: [UInt8], secret: WebhookSecret, now: Int64) -> Bool {
        let (age, overflow) = now.subtractingReportingOverflow(time)
        guard !overflow, (-Self.tolerance...Self.tolerance).contains(age) else { return false }
        let expected = HMACSHA256.tag(of: Array("\(time).".utf8) + content, key: secret.bytes)
        // Every tag is compared: which one fits is not to be told from the time it takes.
        return tags.reduce(false) { constantTimeEqual($1, expected) || $0 }
    }

    private static func bytes(_ hex: Substring) -> [UInt8]? {
        let digits = Array(hex.utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 64, by: 2) {
            let pair = String(decoding: digits[index..<index + 2], as: UTF8.self)
            guard pair.first != "+", pair.first != "-", let byte = UInt8(pair, radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}

/// What the provider signs its webhooks with; it prints as nothing.
struct WebhookSecret: Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    /// Takes 16 to 255 printable ASCII characters without blanks; nil for anything else.
    init?(_ secret: String) {
        guard (16...255).contains(secret.utf8.count),
            secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        bytes = Array(secret.utf8)
    }

    var description: String { "whsec_…" }
}
