internal import Contracts
internal import FoundationEssentials
internal import HTTP
internal import Identity
internal import Reactor
internal import Telemetry

/// The head of a request as it goes on to a service: written afresh from the parsed one.
enum ForwardedHead {
    /// Names that clients cannot send inwards: the platform's own, or set anew by the gateway; `_` is
    /// taken for `-`, as careless readers do.
    private static let dropped = HeaderNames(
        [
            .host, .contentLength, .expect, .authorization, .cookie, Names.hops, .traceparent,
            .requestDeadline, .via, "forwarded", "x-real-ip", "x-user-id", "x-role", "x-session-id",
            Names.requestID,
        ],
        prefixes: [Names.reserved, "x-forwarded-"],
        takesUnderscores: true
    )

    /// Whether a client's field of this name goes on to the service.
    static func mayCross(_ name: HeaderName) -> Bool { !dropped.contains(name) }

    /// The fields for the service: the client's own, its identity, and where it came from.
    static func headers(_ request: Request, _ claims: AccessClaims?) -> Headers {
        var headers = request.headers.crossing(without: dropped, reserving: 10, bytes: 448)
        if let claims {
            headers.add(Names.user) { $0.append(claims.subject) }
            headers.add(Names.role, claims.role.rawValue)
            headers.add(Names.session) { $0.append(claims.session) }
        }
        (ClientOrigin.current ?? ClientOrigin(request)).add(to: &headers)
        if let trace = TraceContext.current { headers.add(Names.requestID) { $0.append(trace) } }
        if let hops = hopsLeft(request) { headers.add(Names.hops, String(hops - 1)) }
        return headers
    }

    /// How many more may pass an OPTIONS request on; nil for any number (RFC 9110 section 7.6.2).
    ///
    /// On other methods the field means nothing, and TRACE gets nowhere.
    static func hopsLeft(_ request: Request) -> Int? {
        let fields = request.method == .options ? request.headers.all(Names.hops) : []
        guard let field = fields.first, fields.count == 1, field.utf8.count <= 9,
            field.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int(field)
    }

    /// The target for the service: the normalised path, encoded once, and the client's query.
    static func target(_ request: Request) -> String {
        let path = request.path.description
        let encoded = path.utf8.allSatisfy(stands) ? path : Self.encoded(path)
        return request.query.isEmpty ? encoded : "\(encoded)?\(request.query.text)"
    }

    private static func encoded(_ path: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.utf8.count * 3)
        for byte in path.utf8 {
            guard !stands(byte) else {
                bytes.append(byte)
                continue
            }
            let digits = String(byte, radix: 16, uppercase: true)
            bytes.append(contentsOf: (digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)").utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether RFC 3986 section 3.3 lets a byte stand in a segment, or it divides segments, as a slash
    /// in a normalised path always does; the rest is encoded.
    private static func stands(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        case UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: ","), UInt8(ascii: "="): true
        case UInt8(ascii: "/"): true
        default: false
        }
    }

    /// The response's fields for the client: nothing of the connection, nothing of the inside.
    static func response(_ headers: Headers, _ standing: Standing) -> Headers {
        var headers = response(headers)
        standing.add(to: &headers)
        return headers
    }

    /// The same without what a limit adds, with room for it.
    static func response(_ headers: Headers) -> Headers {
        headers.crossing(without: inside, reserving: 4, bytes: 192)
    }

    /// Names that do not come out: the platform's own, and what our server writes itself.
    private static let inside = HeaderNames(
        [.contentLength, .date, .requestDeadline, "server", Names.requestID],
        prefixes: [Names.reserved]
    )

    /// Tells what a request is called everywhere: its trace id, also where nobody reads `traceparent`.
    static func name(_ headers: inout Headers, _ trace: TraceContext) {
        headers.remove(Names.requestID)
        headers.add(Names.requestID) { $0.append(trace) }
    }

    private enum Names {
        static let requestID: HeaderName = "x-request-id"
        static let hops: HeaderName = "max-forwards"
        static let reserved = HeaderName(stringLiteral: CallerHeader.reservedPrefix)
        static let user: HeaderName = "x-anyway-user"
        static let role: HeaderName = "x-anyway-role"
        static let session: HeaderName = "x-anyway-session"
    }
}

extension FieldValue {
    /// Appends an id's canonical text.
    mutating func append(_ id: UUID) {
        append(addingCapacity: 36) { id.appendCanonical(to: &$0) }
    }

    /// Appends the id of a trace.
    mutating func append(_ trace: TraceContext) {
        append(addingCapacity: 32) { trace.appendTraceID(to: &$0) }
    }
}
