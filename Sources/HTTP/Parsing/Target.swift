/// The four forms of a request target (RFC 9112 §3.2), taken apart.
struct Target: Sendable {
    var path: Path
    /// Where the query lies in the head, without its question mark; empty if there is none.
    var query: Range<Int>
    /// The authority that an absolute target names, which overrides `Host`.
    var authority: Range<Int>?

    /// Reads the target that lies in `head` at `range`.
    init(_ head: [UInt8], _ range: Range<Int>, method: Method) throws(ParseError) {
        let end = range.upperBound
        query = end..<end
        path = .asterisk
        if case .connect = method {
        } else if let (path, query) = Self.plain(head, range) {
            self.path = path
            self.query = query
            return
        }
        // The scanner has refused controls; here go spaces, tabs, non-ASCII and fragments.
        guard !range.isEmpty,
            range.allSatisfy({ (0x21...0x7E).contains(head[$0]) && head[$0] != 0x23 })
        else { throw .malformed("a malformed request target") }
        if method == .connect {
            // A tunnel without a port leads nowhere (RFC 9110 §9.3.6).
            guard Authority.isValid(head, range), Authority.hasPort(head, range) else {
                throw .malformed("a bad authority")
            }
            authority = range
            return
        }
        if range.count == 1, head[range.lowerBound] == 0x2A {
            guard method == .options else { throw .malformed("'*' is for OPTIONS") }
            return
        }
        let start = try Self.pathStart(head, range)
        if start > range.lowerBound {
            let authority = start.authority
            guard Authority.isValid(head, authority) else { throw .malformed("a bad authority") }
            self.authority = authority
        }
        let mark = (start.path..<end).first { head[$0] == 0x3F } ?? end
        query = min(mark + 1, end)..<end
        if start.path == mark, authority != nil {
            path = .root
        } else if let normal = Path(head, start.path..<mark) {
            path = normal
        } else {
            throw .malformed("a malformed path")
        }
        guard Query.isValid(head, query) else { throw .malformed("a malformed query") }
    }

    /// What most targets are, taken apart in one pass: a path in normal form, perhaps with a query, in
    /// which nothing is encoded; nil for all others.
    private static func plain(_ head: [UInt8], _ range: Range<Int>) -> (Path, Range<Int>)? {
        let bytes = head.span
        guard !range.isEmpty, bytes[range.lowerBound] == 0x2F else { return nil }
        var index = range.lowerBound
        while index < range.upperBound, ByteClass.isPlainPath(bytes[index]) {
            if bytes[index] == 0x2F, index + 1 < range.upperBound {
                // An empty segment, or one that begins with a dot.
                let next = bytes[index + 1]
                if next == 0x2F || next == 0x2E { return nil }
            }
            index += 1
        }
        let hasSlash = bytes[index - 1] == 0x2F && index - range.lowerBound > 1
        let path = Path(plain: head, range.lowerBound..<(hasSlash ? index - 1 : index))
        guard index < range.upperBound else { return (path, index..<index) }
        guard bytes[index] == 0x3F else { return nil }
        for index in index + 1..<range.upperBound where !ByteClass.isPlainQuery(bytes[index]) {
            return nil
        }
        return (path, index + 1..<range.upperBound)
    }

    private struct Start {
        var authority: Range<Int>
        var path: Int

        static func > (start: Start, lower: Int) -> Bool { start.path > lower }
    }

    /// Where the path begins: at once in origin-form, behind the authority in absolute-form.
    private static func pathStart(_ head: [UInt8], _ range: Range<Int>) throws(ParseError) -> Start
    {
        let start = range.lowerBound
        if head[start] == 0x2F { return Start(authority: start..<start, path: start) }
        for scheme in ["http://", "https://"] where range.count >= scheme.utf8.count {
            let host = start + scheme.utf8.count
            guard ByteClass.equals(head, start..<host, scheme) else { continue }
            let path =
                (host..<range.upperBound).first { head[$0] == 0x2F || head[$0] == 0x3F }
                ?? range.upperBound
            return Start(authority: host..<path, path: path)
        }
        throw .malformed("a malformed request target")
    }
}
