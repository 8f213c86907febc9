internal import HTTP

/// A request as the cache sees it.
struct CacheAsk: Sendable {
    let key: CacheKey
    let headers: Headers
    let wishes: RequestDirectives
    let isHead: Bool
    private let isConditional: Bool

    /// Which part of a kept answer a request is given.
    enum Selection: Equatable {
        case all
        case unchanged
        case part(Range<Int>)
        case none
    }

    /// Nil for a request that the cache has no part in.
    init?(_ request: Request) {
        guard request.method == .get || request.method == .head, request.bodyStream.isEmpty,
            !request.headers.contains(.ifMatch), !request.headers.contains("if-unmodified-since")
        else { return nil }
        key = CacheKey(request)
        headers = request.headers
        wishes = RequestDirectives(request.headers)
        isHead = request.method == .head
        isConditional =
            request.headers.contains(.ifNoneMatch) || request.headers.contains("if-modified-since")
    }

    /// Whether only a part is wanted, which nothing but a complete answer at hand can give.
    var wantsPart: Bool { !isHead && headers.contains("range") }

    /// Conditions first, then the range (RFC 9110 section 13.2.2).
    func selection(of stored: StoredResponse) -> Selection {
        guard stored.status == .ok else { return .all }
        if isConditional, isUnchanged(stored) { return .unchanged }
        guard wantsPart, mayTakePart(of: stored) else { return .all }
        return ByteRange.selection(headers.all("range"), of: stored.body.count)
    }

    private func isUnchanged(_ stored: StoredResponse) -> Bool {
        if let tags = EntityTags(headers.all(.ifNoneMatch)) {
            guard let tag = stored.tag else { return tags == .any }
            return tags.matchesWeakly(tag)
        }
        guard let since = headers["if-modified-since"].flatMap({ HTTPTime($0) }) else {
            return false
        }
        return stored.modified ?? stored.date <= since
    }

    /// RFC 9110 section 13.1.5.
    private func mayTakePart(of stored: StoredResponse) -> Bool {
        guard let condition = headers["if-range"] else { return true }
        if let tag = stored.tag, !tag.hasPrefix("W/"), condition == tag { return true }
        guard let modified = stored.modified, let date = HTTPTime(condition) else { return false }
        return modified == date
    }
}

/// The `Range` of a request, as far as one range of bytes goes (RFC 9110 section 14.1.2).
enum ByteRange {
    /// What a content of so many bytes has of it; all for a field that is malformed, of another unit, or
    /// of several ranges.
    static func selection(_ fields: [String], of count: Int) -> CacheAsk.Selection {
        guard fields.count == 1, let text = fields.first?.lowercased(), text.hasPrefix("bytes=")
        else { return .all }
        let ends = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = ends.first, let last = ends.last,
            first.isEmpty || number(first) != nil, last.isEmpty || number(last) != nil
        else { return .all }
        if let start = number(first) {
            if let end = number(last), end < start { return .all }
            guard start < count else { return .none }
            return .part(start..<min(count, (number(last) ?? count) + 1))
        }
        guard let suffix = number(last) else { return .all }
        guard suffix > 0, count > 0 else { return .none }
        return .part(max(0, count - suffix)..<count)
    }

    private static func number(_ text: Substring) -> Int? {
        guard text.utf8.count <= 15, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
