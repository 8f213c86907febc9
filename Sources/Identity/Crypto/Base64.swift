/// Base64 without padding, strictly: exactly one spelling for each sequence of bytes.
///
/// The decoder refuses padding, white space, characters of the other alphabet and set trailing
/// bits (RFC 4648 section 3.5), so a token or hash cannot be respelled and stay valid.
public enum Base64: Sendable {
    /// RFC 4648 section 5, with `-` and `_`: tokens and keys.
    case url
    /// RFC 4648 section 4, with `+` and `/`: PHC password strings.
    case standard

    /// The characters for the bytes.
    public func encode(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: encodeBytes(bytes), as: UTF8.self)
    }

    /// The bytes, or nil if the characters are not their one spelling.
    public func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)[...]) }

    /// The bytes, or nil if the characters are not their one spelling.
    public func decode(_ characters: ArraySlice<UInt8>) -> [UInt8]? {
        guard characters.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count * 3 / 4)
        var pending: UInt32 = 0
        var bits = 0
        for character in characters {
            guard let value = value(of: character) else { return nil }
            pending = pending << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
            pending &= (1 << UInt32(bits)) - 1
        }
        return pending == 0 ? bytes : nil
    }

    func encodeBytes(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var characters: [UInt8] = []
        var pending: UInt32 = 0
        var bits = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                characters.append(
                    character(for: UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
                )
                pending &= (1 << UInt32(bits)) - 1
            }
        }
        if bits > 0 {
            characters.append(
                character(for: UInt8(truncatingIfNeeded: pending << UInt32(6 - bits)))
            )
        }
        return characters
    }

    private func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "-") where self == .url, UInt8(ascii: "+") where self == .standard: 62
        case UInt8(ascii: "_") where self == .url, UInt8(ascii: "/") where self == .standard: 63
        default: nil
        }
    }

    private func character(for value: UInt8) -> UInt8 {
        switch value & 63 {
        case 0..<26: (value & 63) + UInt8(ascii: "A")
        case 26..<52: (value & 63) - 26 + UInt8(ascii: "a")
        case 52..<62: (value & 63) - 52 + UInt8(ascii: "0")
        case 62: self == .url ? UInt8(ascii: "-") : UInt8(ascii: "+")
        default: self == .url ? UInt8(ascii: "_") : UInt8(ascii: "/")
        }
    }
}
