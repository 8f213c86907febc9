/// The fields of an `application/x-www-form-urlencoded` body or a query (WHATWG URL §5.1), in order.
///
/// Strict where a browser is lenient: a broken percent escape or bytes that are not UTF-8 refuse the
/// whole body, because a payment must not be made from a guess.
struct FormFields: Sendable, Equatable {
    static let maxFields = 100

    private(set) var fields: [(name: String, value: String)] = []

    /// Parses the bytes; nil when they are malformed, repeat a name, or hold too many fields.
    init?(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty else { return }
        for pair in bytes.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
            let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let after = end < pair.endIndex ? pair.index(after: end) : end
            guard let name = Self.decoded(pair[pair.startIndex..<end]),
                let value = Self.decoded(pair[after..<pair.endIndex]),
                fields.count < Self.maxFields, !name.isEmpty, self[name] == nil
            else { return nil }
            fields.append((name, value))
        }
    }

    /// The value of a name such as `metadata[order_id]`.
    subscript(name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// The entries of a map: `metadata[order_id]=7` gives `order_id: 7`.
    func map(_ name: String) -> [(key: String, value: String)] {
        fields.compactMap { field in
            guard field.name.hasPrefix(name + "["), field.name.hasSuffix("]") else { return nil }
            return (String(field.name.dropFirst(name.count + 1).dropLast()), field.value)
        }
    }

    /// One text for equal parameters whatever their order: what an idempotency key is bound to.
    var canonical: String {
        fields.sorted { $0.name < $1.name }
            .map { "\($0.name.utf8.count):\($0.name)=\($0.value.utf8.count):\($0.value)" }
            .joined(separator: "&")
    }

    static func == (left: FormFields, right: FormFields) -> Bool {
        left.canonical == right.canonical
    }

    private static func decoded(_ bytes: some Collection<UInt8>) -> String? {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"):
                out.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(hexDigit),
                    let low = rest.next().flatMap(hexDigit)
                else { return nil }
                out.append(high << 4 | low)
            default:
                out.append(byte)
            }
        }
        // PostgreSQL text cannot hold NUL.
        guard !out.contains(0) else { return nil }
        return String(validating: out, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
