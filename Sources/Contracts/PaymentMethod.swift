/// A token such as pm_card_visa, for a card that the provider keeps.
///
/// We never see a card number, and the shape refuses one that a client sends by mistake, before it is
/// stored anywhere: tokens start with `pm_`. The value is not secret, but it is not printed either:
/// `description` hides it, so that nothing a client smuggled into the field reaches a log.
public struct PaymentMethod: Sendable, Hashable, CustomStringConvertible {
    static let maxLength = 100

    /// The token as the provider knows it.
    public let token: String

    /// Takes `pm_` and 1 to 97 ASCII letters, digits or underscores; nil for anything else.
    public init?(_ token: String) {
        let bytes = token.utf8
        guard bytes.count > 3, bytes.count <= Self.maxLength, token.hasPrefix("pm_") else {
            return nil
        }
        guard bytes.allSatisfy(Self.isTokenByte), !Self.looksLikeCardNumber(bytes) else {
            return nil
        }
        self.token = token
    }

    /// That it is one, without saying which.
    public var description: String { "pm_…" }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// `pm_4242424242424242` is a card number with a prefix, not a token.
    private static func looksLikeCardNumber(_ bytes: String.UTF8View) -> Bool {
        let rest = bytes.dropFirst(3)
        return rest.count >= 12
            && rest.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
