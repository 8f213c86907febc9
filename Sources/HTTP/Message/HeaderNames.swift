/// A set of header names to look fields up in: names, and beginnings that stand for many.
///
/// A field is compared where its bytes lie, so looking at one costs no allocation.
public struct HeaderNames: Sendable {
    /// The names by their length: most fields have a length that no name has.
    private var byCount: [[[UInt8]]] = []
    private var prefixes: [[UInt8]] = []
    private let takesUnderscores: Bool

    /// A set of these names, and of all that begin with one of the prefixes.
    ///
    /// - Parameter takesUnderscores: whether `_` in a field's name is taken for `-`, as careless
    ///   readers do.
    public init(
        _ names: [HeaderName],
        prefixes: [HeaderName] = [],
        takesUnderscores: Bool = false
    ) {
        self.takesUnderscores = takesUnderscores
        self.prefixes = prefixes.map { Array($0.text.utf8) }
        let longest = names.map { $0.text.utf8.count }.max() ?? 0
        byCount = [[[UInt8]]](repeating: [], count: longest + 1)
        for name in names { byCount[name.text.utf8.count].append(Array(name.text.utf8)) }
    }

    /// Whether the name is one of these.
    public func contains(_ name: HeaderName) -> Bool {
        let text = Array(name.text.utf8)
        return contains(text.span, 0, text.count)
    }

    /// Whether the name that lies in `block` is one of these.
    func contains(_ block: Span<UInt8>, _ start: Int, _ count: Int) -> Bool {
        if count < byCount.count {
            for name in byCount[count] where begins(block, start, with: name) { return true }
        }
        for prefix in prefixes
        where prefix.count <= count && begins(block, start, with: prefix) {
            return true
        }
        return false
    }

    private func begins(_ block: Span<UInt8>, _ start: Int, with name: [UInt8]) -> Bool {
        for index in name.indices {
            let byte = block[start + index]
            guard byte == name[index] || (takesUnderscores && byte == 0x5F && name[index] == 0x2D)
            else { return false }
        }
        return true
    }
}

extension Headers {
    /// Removes every field whose name is in the set.
    public mutating func remove(_ names: HeaderNames) {
        removeFields { block, field in
            names.contains(block, Int(field.nameStart), Int(field.nameCount))
        }
    }

    /// Removes what may not cross a proxy: `Connection`, what it lists, and the other hop-by-hop
    /// fields (RFC 9110 §7.6.1).
    public mutating func removeHopByHop() {
        let listed = listedInConnection()
        removeFields { block, field in Self.isHopByHop(block, field, listed) }
    }

    private static func isHopByHop(
        _ block: Span<UInt8>,
        _ field: Field,
        _ listed: [[UInt8]]
    ) -> Bool {
        let (start, count) = (Int(field.nameStart), Int(field.nameCount))
        return hopByHop.contains(block, start, count)
            || (!listed.isEmpty && listed.contains { equals(block, start, count, $0) })
    }

    /// Whether a field stays on this side of a proxy.
    static func stays(
        _ block: Span<UInt8>,
        _ field: Field,
        _ names: HeaderNames,
        _ listed: [[UInt8]]
    ) -> Bool {
        names.contains(block, Int(field.nameStart), Int(field.nameCount))
            || isHopByHop(block, field, listed)
    }

    private static let hopByHop = HeaderNames(
        [
            .connection, "keep-alive", "te", "trailer", .transferEncoding, "upgrade",
            "http2-settings",
        ],
        prefixes: ["proxy-"]
    )

    private static func equals(
        _ block: Span<UInt8>,
        _ start: Int,
        _ count: Int,
        _ name: [UInt8]
    ) -> Bool {
        guard count == name.count else { return false }
        for index in name.indices where block[start + index] != name[index] { return false }
        return true
    }
}
