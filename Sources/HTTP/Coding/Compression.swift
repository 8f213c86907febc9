/// Compresses answers for clients that take `gzip` (RFC 9110 §8.4, §12.5.3).
///
/// Text, JSON and the like over a KiB; never what is encoded already, what is a part of something,
/// what `no-transform` protects, and event streams, whose events must not wait for each other.
public struct Compression: Sendable {
    /// Below this many bytes a content is sent as it is.
    public var minimumBytes = 1024

    /// Compression with the defaults.
    public init() {}

    /// Wraps a handler; a `Middleware`.
    public func wrap(_ next: @escaping Handler) -> Handler { wrap(Responder(next)).handler }

    /// Wraps what a server is given.
    ///
    /// A problem is small and never compressed.
    public func wrap(_ next: Responder) -> Responder {
        Responder { request throws(Problem) in
            let hadSuffix = Self.stripTags(&request)
            switch try next.reply(to: &request) {
            case .now(let response): return .now(compressed(response, for: request, hadSuffix))
            case .later(let handler):
                return .later { request throws(Problem) in
                    compressed(try await handler(request), for: request, hadSuffix)
                }
            }
        }
    }

    private func compressed(
        _ response: Response,
        for request: Request,
        _ hadSuffix: Bool
    ) -> Response {
        var response = response
        if response.status == .notModified {
            if hadSuffix { Self.suffixTag(&response) }
            // As the 200 would have (RFC 9110 §15.4.5): whether it would have been compressed is not known here.
            if response.headers.contains(.etag) { Self.addVary(&response) }
        }
        guard isCompressible(response) else { return response }
        // Also where it is sent as it is: another client would have got another content.
        Self.addVary(&response)
        guard request.acceptsGzip else { return response }
        switch response.body {
        case .bytes(let content):
            guard let bytes = GzipEncoder().encode(content, .finish) else { return response }
            response.body = .bytes(bytes)
        case .stream(_, let produce):
            response.body = .stream { writer in
                let gzip = GzipWriter(writer)
                try await produce(gzip)
                try await gzip.finish()
            }
        case .none: return response
        }
        response.headers[Self.contentEncoding] = "gzip"
        Self.suffixTag(&response)
        return response
    }

    private static func addVary(_ response: inout Response) {
        guard !response.headers.lists("accept-encoding", in: .vary),
            !response.headers.lists("*", in: .vary)
        else { return }
        response.headers.add(.vary, "Accept-Encoding")
    }

    private func isCompressible(_ response: Response) -> Bool {
        switch response.body {
        case .none: return false
        case .bytes(let content): guard content.count > minimumBytes else { return false }
        case .stream(let length, _): guard length ?? .max > minimumBytes else { return false }
        }
        let headers = response.headers
        return !response.status.forbidsContent && response.status.code != 206
            && !headers.contains(Self.contentEncoding) && !headers.contains("content-range")
            && !headers.lists("no-transform", in: .cacheControl)
            && Self.isText(headers[.contentType] ?? "")
    }

    private static func isText(_ type: String) -> Bool {
        let end = type.firstIndex(of: ";") ?? type.endIndex
        let name = type[..<end].lowercased().split(separator: " ").joined()
        if name == "text/event-stream" { return false }
        return name.hasPrefix("text/") || name.hasSuffix("+json") || name.hasSuffix("+xml")
            || ["application/json", "application/javascript", "application/xml", "image/svg+xml"]
                .contains(name)
    }

    // MARK: Entity tags

    // The compressed content is another representation, so a strong tag must differ (§8.8.3.3): it
    // gets a suffix here, which is taken off again when the client sends the tag back.

    private static let contentEncoding: HeaderName = "content-encoding"
    private static let suffix = "-gzip\""

    private static func suffixTag(_ response: inout Response) {
        guard let tag = response.headers[.etag], tag.hasPrefix("\""), tag.hasSuffix("\""),
            tag.utf8.count > 1, !tag.hasSuffix(suffix)
        else { return }
        response.headers[.etag] = tag.dropLast() + suffix
    }

    private static func stripTags(_ request: inout Request) -> Bool {
        var found = false
        guard request.headers.contains(.ifMatch) || request.headers.contains(.ifNoneMatch) else {
            return false
        }
        for name in [HeaderName.ifMatch, .ifNoneMatch] {
            guard case .these(let tags) = EntityTags(request.headers.all(name)),
                tags.contains(where: { $0.hasSuffix(suffix) })
            else { continue }
            found = true
            let plain = tags.map { $0.hasSuffix(suffix) ? $0.dropLast(suffix.count) + "\"" : $0 }
            request.headers[name] = plain.joined(separator: ", ")
        }
        return found
    }
}
