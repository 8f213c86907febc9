/// The syntax of `host [":" port]` (RFC 3986 §3.2), as in `Host` and absolute targets.
enum Authority {
    /// Whether the bytes are a host that is not empty, with an optional port and no userinfo.
    static func isValid(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard let first = range.first else { return false }
        var index = first
        if bytes[first] == 0x5B {
            guard let close = range.first(where: { bytes[$0] == 0x5D }),
                isAddressLiteral(bytes, first + 1..<close)
            else { return false }
            index = close + 1
        } else {
            let text = bytes.span
            while index < range.upperBound, ByteClass.isRegisteredName(text[index]) { index += 1 }
            while index < range.upperBound, bytes[index] != 0x3A {
                guard let width = nameWidth(bytes, index, range.upperBound) else { return false }
                index += width
            }
            guard index > first else { return false }
        }
        return index == range.upperBound || isPort(bytes, index..<range.upperBound)
    }

    /// Whether a valid authority ends with a port that is not empty.
    static func hasPort(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard let colon = range.last(where: { !ByteClass.isDigit(bytes[$0]) }) else { return false }
        return bytes[colon] == 0x3A && colon + 1 < range.upperBound
    }

    /// The length of the registered-name character at `index`: one byte, or three if encoded.
    private static func nameWidth(_ bytes: [UInt8], _ index: Int, _ end: Int) -> Int? {
        if ByteClass.isRegisteredName(bytes[index]) { return 1 }
        guard bytes[index] == 0x25, index + 2 < end,
            let high = ByteClass.hexValue(bytes[index + 1]),
            let low = ByteClass.hexValue(bytes[index + 2]),
            high << 4 | low > 0x20, high << 4 | low != 0x7F
        else { return nil }
        return 3
    }

    /// An IPv6 literal by its alphabet; whether it is one of ours is decided where it is used.
    private static func isAddressLiteral(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        let colons = range.count { bytes[$0] == 0x3A }
        return (2...7).contains(colons) && range.count <= 45
            && range.allSatisfy {
                ByteClass.hexValue(bytes[$0]) != nil || bytes[$0] == 0x3A || bytes[$0] == 0x2E
            }
    }

    private static func isPort(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard bytes[range.lowerBound] == 0x3A else { return false }
        guard range.count <= 6 else { return false }
        var port = 0
        for index in range.lowerBound + 1..<range.upperBound {
            guard ByteClass.isDigit(bytes[index]) else { return false }
            port = port * 10 + Int(bytes[index] &- 0x30)
        }
        return port <= 65535
    }
}
