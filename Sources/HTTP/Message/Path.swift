/// A request path, decoded and normalised once so that routing, authorization and files all see the
/// same thing.
///
/// Empty and `.` segments are dropped, `..` takes its predecessor along, and `%XX` is decoded first.
/// Spellings that two readers could take differently are refused: an encoded slash, backslash or
/// control byte, a raw backslash, `..;`, double encoding, text that is no UTF-8, and `..` above the
/// root. The result is absolute, has no trailing slash, and a slash in it always divides segments.
public struct Path: Sendable, Hashable, CustomStringConvertible {
    /// The bytes that `range` points into: a head of which the path was already normal, or a copy.
    let storage: [UInt8]
    let range: Range<Int>

    /// The path spelled by `text`, a raw request path; nil when it is one that is refused.
    public init?(_ text: String) {
        let bytes = [UInt8](text.utf8)
        self.init(bytes, bytes.indices)
    }

    /// `*`, the target of a request about the server as a whole (RFC 9112 §3.2.4).
    public static let asterisk = Path(storage: [0x2A], range: 0..<1)

    static let root = Path(storage: [0x2F], range: 0..<1)

    private init(storage: [UInt8], range: Range<Int>) {
        self.storage = storage
        self.range = range
    }

    /// A path in `head` that is known to be normal.
    init(plain head: [UInt8], _ range: Range<Int>) { self.init(storage: head, range: range) }

    /// The path that begins with a slash in `head`; shares its bytes when they are normal already.
    init?(_ head: [UInt8], _ range: Range<Int>) {
        guard let first = range.first, head[first] == 0x2F else { return nil }
        if let end = Self.plainEnd(head, range) {
            self.init(storage: head, range: first..<end)
            return
        }
        guard let normal = Self.normalise(head[range]) else { return nil }
        self.init(storage: normal, range: normal.indices)
    }

    /// The normalised path as text, as in `/orders/42`.
    public var description: String { String(decoding: storage[range], as: UTF8.self) }

    /// The decoded segments, as in `["orders", "42"]`; empty for the root.
    public var segments: [String] {
        var segments: [String] = []
        var cursor = Cursor(self)
        while let segment = cursor.next() {
            segments.append(String(decoding: segment, as: UTF8.self))
        }
        return segments
    }

    /// Whether the two name the same resource.
    public static func == (left: Path, right: Path) -> Bool {
        left.storage[left.range] == right.storage[right.range]
    }

    /// Hashes the normalised bytes.
    public func hash(into hasher: inout Hasher) { hasher.combine(storage[range]) }

    /// Walks over the segments without copying them.
    struct Cursor {
        private let path: Path
        private var index: Int

        init(_ path: Path) {
            self.path = path
            index = path.range.lowerBound
        }

        /// The next segment; nil behind the last.
        mutating func next() -> ArraySlice<UInt8>? {
            guard index + 1 < path.range.upperBound else { return nil }
            let start = index + 1
            index = start
            while index < path.range.upperBound, path.storage[index] != 0x2F { index += 1 }
            return path.storage[start..<index]
        }

        /// Everything that `next` has not given yet, slashes included.
        var rest: ArraySlice<UInt8> {
            path.storage[min(index + 1, path.range.upperBound)..<path.range.upperBound]
        }
    }

    /// The end of a path that needs no work except, perhaps, losing its last slash; nil otherwise.
    private static func plainEnd(_ head: [UInt8], _ range: Range<Int>) -> Int? {
        var previous: UInt8 = 0
        for index in range {
            let byte = head[index]
            // A dot segment begins with a dot; every other dot is harmless.
            if byte == 0x25 || byte == 0x5C || byte >= 0x7F || byte <= 0x20 { return nil }
            if previous == 0x2F, byte == 0x2F || byte == 0x2E { return nil }
            previous = byte
        }
        return previous == 0x2F && range.count > 1 ? range.upperBound - 1 : range.upperBound
    }

    private static func normalise(_ raw: ArraySlice<UInt8>) -> [UInt8]? {
        guard !raw.contains(0x5C) else { return nil }
        var segments: [[UInt8]] = []
        for piece in raw.split(separator: 0x2F) {
            guard let segment = Percent.decode(piece), isUnambiguous(segment) else { return nil }
            if segment == [0x2E] { continue }
            if segment == [0x2E, 0x2E] {
                guard segments.popLast() != nil else { return nil }
                continue
            }
            segments.append(segment)
        }
        guard !segments.isEmpty else { return [0x2F] }
        return segments.flatMap { [0x2F] + $0 }
    }

    private static func isUnambiguous(_ segment: [UInt8]) -> Bool {
        guard segment.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != 0x2F && $0 != 0x5C }),
            String(validating: segment, as: UTF8.self) != nil
        else { return false }
        // `..;x` is a parent directory to servers that strip parameters.
        if segment.starts(with: [0x2E, 0x3B]) || segment.starts(with: [0x2E, 0x2E, 0x3B]) {
            return false
        }
        // What still decodes after decoding was encoded twice.
        for index in segment.indices.dropLast(2) where segment[index] == 0x25 {
            if ByteClass.hexValue(segment[index + 1]) != nil,
                ByteClass.hexValue(segment[index + 2]) != nil
            {
                return false
            }
        }
        return true
    }
}
