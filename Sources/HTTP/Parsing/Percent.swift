/// Percent-encoding (RFC 3986 §2.1).
enum Percent {
    /// The bytes with every `%XX` replaced; nil for a malformed one, or one that hides a NUL.
    ///
    /// - Parameter plusIsSpace: whether `+` means a space, as forms and queries write it.
    static func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool = false) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            guard byte == 0x25 else {
                decoded.append(plusIsSpace && byte == 0x2B ? 0x20 : byte)
                index += 1
                continue
            }
            guard index + 2 < bytes.endIndex,
                let high = ByteClass.hexValue(bytes[index + 1]),
                let low = ByteClass.hexValue(bytes[index + 2]), high << 4 | low != 0
            else { return nil }
            decoded.append(high << 4 | low)
            index += 3
        }
        return decoded
    }

    /// The text with everything but RFC 3986's unreserved characters encoded.
    static func encode(_ text: String) -> String {
        var encoded: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            let isLetter = (byte | 0x20) &- 0x61 < 26
            if isLetter || ByteClass.isDigit(byte) || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte) {
                encoded.append(byte)
            } else {
                encoded += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
