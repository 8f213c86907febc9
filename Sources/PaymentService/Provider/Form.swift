/// Writes `application/x-www-form-urlencoded` (WHATWG URL §5.2), which Stripe's API takes.
struct Form: Sendable, Equatable {
    private(set) var text = ""

    /// Appends one field; names may hold brackets (`metadata[order_id]`).
    mutating func append(_ name: String, _ value: String) {
        if !text.isEmpty { text.append("&") }
        text += Self.escaped(name)
        text.append("=")
        text += Self.escaped(value)
    }

    private static func escaped(_ value: String) -> String {
        var out = ""
        out.reserveCapacity(value.utf8.count)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "*"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "_"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: " "):
                out.append("+")
            default:
                out.append("%")
                if byte < 16 { out.append("0") }
                out += String(byte, radix: 16, uppercase: true)
            }
        }
        return out
    }
}
