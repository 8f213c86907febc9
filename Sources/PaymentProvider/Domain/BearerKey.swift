/// The sandbox's secret key.
struct BearerKey: Sendable, CustomStringConvertible {
    private let bytes: [UInt8]

    /// Takes 8 to 255 printable ASCII characters without blanks; nil for anything else.
    init?(_ key: String) {
        guard (8...255).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        bytes = Array(key.utf8)
    }

    /// Says whether an `Authorization` header carries this key, in time that depends only on the
    /// header's length, not on how much of the key it guessed.
    func matches(authorization: String?) -> Bool {
        let scheme = "Bearer "
        guard let authorization, authorization.hasPrefix(scheme) else { return false }
        let offered = Array(authorization.utf8.dropFirst(scheme.utf8.count))
        var difference = UInt(bitPattern: offered.count ^ bytes.count)
        for (index, byte) in offered.enumerated() {
            difference |= UInt(byte ^ bytes[index % bytes.count])
        }
        return difference == 0
    }

    var description: String { "sk_…" }
}
