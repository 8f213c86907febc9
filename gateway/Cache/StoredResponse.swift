internal import HTTP

/// An answer that is kept: made once, given many times.
final class StoredResponse: Sendable {
    let status: Status
    /// Rendered, so that giving it means copying one block: no `Date`, `Age`, framing, or field that may
    /// not be kept.
    let headers: Headers
    let date: HTTPTime
    let body: [UInt8]
    let freshness: Freshness
    let age: ResponseAge
    let variant: Variant
    /// When its origin was asked, in nanoseconds of the monotonic clock: what was changed since then may
    /// not be in it.
    let requested: Int64
    /// Its validators.
    let tag: String?
    let modified: HTTPTime?
    private let dateLine: DateLine

    /// Bytes that keeping it takes, about.
    let cost: Int
    /// For an object, two arrays and their elements.
    private static let overhead = 512

    init(
        status: Status,
        headers: Headers,
        date: HTTPTime,
        body: [UInt8],
        freshness: Freshness,
        age: ResponseAge,
        variant: Variant,
        requested: Int64
    ) {
        self.status = status
        self.headers = headers
        self.date = date
        self.body = body
        self.freshness = freshness
        self.age = age
        self.variant = variant
        self.requested = requested
        dateLine = DateLine(date)
        tag = headers[.etag]
        modified = headers["last-modified"].flatMap { HTTPTime($0) }
        cost =
            Self.overhead + body.count + variant.cost
            + headers.reduce(0) { $0 + 48 + $1.name.text.utf8.count + $1.value.utf8.count }
    }

    /// Whole seconds that it is still fresh, negative when it is stale.
    func ttl(at now: Int64) -> Int64 {
        freshness.lifetime - age.nanoseconds(at: now) / 1_000_000_000
    }

    /// The answer for a request: all of it, a part, or that the client has it already.
    func response(to ask: CacheAsk, at now: Int64, _ status: CacheStatus) -> Response {
        var response: Response
        switch ask.selection(of: self) {
        case .all:
            response = Response(self.status, headers: headers, body: content)
        case .unchanged:
            response = Response(.notModified, headers: Self.withoutContent(headers))
        case .part(let range):
            response = Response(Status(206), headers: headers, body: .bytes(Array(body[range])))
            response.headers.add(
                "content-range",
                "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(body.count)"
            )
        case .none:
            response = Response(
                Status(416),
                headers: ["content-range": "bytes */\(body.count)"]
            )
        }
        response.headers.add(.age, String(age.nanoseconds(at: now) / 1_000_000_000))
        response.headers.add("cache-status", status.text)
        response.date = dateLine
        return response
    }

    private var content: Response.Body { body.isEmpty ? .none : .bytes(body) }

    /// What a 304 tells: nothing about the content that is not sent (RFC 9110 section 15.4.5).
    private static func withoutContent(_ headers: Headers) -> Headers {
        var headers = headers
        headers.filter { name in
            !name.text.hasPrefix("content-") || name == "content-location"
                || name == "content-security-policy"
        }
        return headers
    }

    // MARK: Validation

    /// The conditions that ask the origin whether this is still what there is (RFC 9111 section 4.3.1).
    var conditions: Headers {
        var conditions: Headers = [:]
        if let tag { conditions.add(.ifNoneMatch, tag) }
        if let modified = headers["last-modified"] { conditions.add("if-modified-since", modified) }
        return conditions
    }

    /// Whether a 304 is about this answer (section 4.3.4).
    func isConfirmed(by headers: Headers) -> Bool {
        guard let other = headers[.etag], !other.hasPrefix("W/") else { return true }
        return other == tag
    }

    /// The fields as a 304 leaves them: its own in place of those that are kept, but for what describes
    /// the bytes that are kept (section 3.2).
    func headers(updatedBy news: Headers) -> Headers {
        var fresh = Headers()
        for (name, value) in news where !Self.ofContent.contains(name.text) {
            fresh.add(name, value)
        }
        var merged = Headers()
        for (name, value) in headers where !fresh.contains(name) { merged.add(name, value) }
        merged.append(fresh)
        return merged
    }

    private static let ofContent: Set<String> = [
        "content-length", "content-encoding", "content-range",
    ]
}
