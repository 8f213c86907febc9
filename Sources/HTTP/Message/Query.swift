/// The fields of a query or a form: `name=value` pairs with percent-encoding, where `+` is a space.
public struct Query: Sendable, Sequence, ExpressibleByDictionaryLiteral {
    private let storage: [UInt8]
    private let range: Range<Int>

    /// The fields spelled by `text`, without the question mark.
    public init(_ text: String) {
        storage = [UInt8](text.utf8)
        range = storage.indices
    }

    /// The fields of a literal, encoded.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(
            elements.map { "\(Percent.encode($0.0))=\(Percent.encode($0.1))" }
                .joined(separator: "&")
        )
    }

    /// The fields in some bytes of a head or a form.
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        storage = bytes
        self.range = range
    }

    /// The raw text, still encoded.
    public var text: String { String(decoding: storage[range], as: UTF8.self) }

    /// Whether there is no field at all.
    public var isEmpty: Bool { range.isEmpty }

    /// The first value with this name; a name without `=` has the empty value.
    public func first(_ name: String) -> String? {
        for field in self where field.name == name { return field.value }
        return nil
    }

    /// Every value with this name, in order.
    public func all(_ name: String) -> [String] {
        compactMap { $0.name == name ? $0.value : nil }
    }

    /// Walks over the fields in order, decoded.
    public func makeIterator() -> AnyIterator<(name: String, value: String)> {
        var pieces = storage[range].split(separator: 0x26).makeIterator()
        return AnyIterator {
            guard let piece = pieces.next() else { return nil }
            let equals = piece.firstIndex(of: 0x3D) ?? piece.endIndex
            return (
                Self.decoded(piece[..<equals]), Self.decoded(piece[equals...].dropFirst())
            )
        }
    }

    /// Whether every field decodes to text: well-formed encoding, no NUL, UTF-8.
    static func isValid(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        guard !bytes[range].contains(0) else { return false }
        guard bytes[range].contains(where: { $0 == 0x25 || $0 >= 0x80 }) else { return true }
        guard let decoded = Percent.decode(bytes[range]) else { return false }
        return String(validating: decoded, as: UTF8.self) != nil
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: Percent.decode(bytes, plusIsSpace: true) ?? [UInt8](bytes), as: UTF8.self)
    }
}
