/// The provider's secret key; it prints as nothing.
struct ProviderKey: Sendable, CustomStringConvertible {
    /// The value of the `Authorization` header.
    let authorization: String

    /// Takes 8 to 255 printable ASCII characters without blanks; nil for anything else.
    init?(_ key: String) {
        guard (8...255).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        authorization = "Bearer \(key)"
    }

    var description: String { "sk_…" }
}
