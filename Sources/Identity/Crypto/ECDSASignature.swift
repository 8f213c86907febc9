/// A P-256 signature as JOSE spells it: r and s, 32 bytes each (RFC 7518 section 3.4).
struct ECDSASignature: Equatable {
    let raw: [UInt8]

    /// The order of the curve's group.
    private static let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63,
        0x25, 0x51,
    ]

    /// Nil unless it is 64 bytes and both numbers are from 1 to n - 1.
    ///
    /// OpenSSL checks the range too; a verifier that did not was CVE-2022-21449, so it is ours to say.
    init?(raw: [UInt8]) {
        guard raw.count == 64, Self.isInRange(raw[..<32]), Self.isInRange(raw[32...]) else {
            return nil
        }
        self.raw = raw
    }

    /// Reads the DER that OpenSSL makes: SEQUENCE of two INTEGERs.
    init?(der: [UInt8]) {
        var rest = der[...]
        guard rest.popFirst() == 0x30, let length = rest.popFirst(), Int(length) == rest.count,
            let first = Self.takeInteger(&rest), let second = Self.takeInteger(&rest),
            rest.isEmpty
        else { return nil }
        self.init(raw: first + second)
    }

    /// The DER that OpenSSL reads.
    var der: [UInt8] {
        let body = Self.integer(raw[..<32]) + Self.integer(raw[32...])
        return [0x30, UInt8(body.count)] + body
    }

    private static func isInRange(_ number: ArraySlice<UInt8>) -> Bool {
        number.contains { $0 != 0 } && number.lexicographicallyPrecedes(order)
    }

    private static func integer(_ number: ArraySlice<UInt8>) -> [UInt8] {
        var digits = Array(number.drop { $0 == 0 })
        // DER integers are signed.
        if let first = digits.first, first >= 0x80 { digits.insert(0, at: 0) }
        return [0x02, UInt8(digits.count)] + digits
    }

    private static func takeInteger(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard rest.popFirst() == 0x02, let length = rest.popFirst(), Int(length) <= rest.count
        else { return nil }
        let digits = rest.prefix(Int(length)).drop { $0 == 0 }
        rest = rest.dropFirst(Int(length))
        guard digits.count <= 32 else { return nil }
        return [UInt8](repeating: 0, count: 32 - digits.count) + digits
    }
}
