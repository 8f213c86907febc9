internal import Contracts
internal import FoundationEssentials
internal import HTTP
internal import Identity
internal import Reactor

/// The head of a request as it goes on to a service: written afresh from the parsed one.
enum ForwardedHead {
    /// Names that clients cannot send inwards: the platform's own, or set anew by the gateway.
    private static let dropped: Set<String> = [
        "host", "content-length", "expect", "authorization", "cookie", "max-forwards",
        "traceparent", "request-deadline", "via", "forwarded", "x-real-ip", "x-user-id",
        "x-role", "x-session-id",
    ]

    /// Whether a field of this name may cross; `_` is taken for `-`, as careless readers do.
    static func mayCross(_ name: HeaderName) -> Bool {
        let name =
            name.text.contains("_") ? String(name.text.map { $0 == "_" ? "-" : $0 }) : name.text
        return !dropped.contains(name) && !name.hasPrefix(CallerHeader.reservedPrefix)
            && !name.hasPrefix("x-forwarded-")
    }

    /// The fields for the service: the client's own, its identity, and where it came from.
    static func headers(_ request: Request, _ claims: AccessClaims?) -> Headers {
        var headers = request.headers
        headers.removeHopByHop()
        headers.filter(mayCross)
        if let claims {
            headers.set(Names.user, claims.subject.canonical)
            headers.set(Names.role, claims.role.rawValue)
            headers.set(Names.session, claims.session.canonical)
        }
        (ClientOrigin.current ?? ClientOrigin(request)).add(to: &headers)
        if let hops = hopsLeft(request) { headers.set(Names.hops, String(hops - 1)) }
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
        var target = ""
        for segment in request.path.segments {
            target += "/"
            for byte in segment.utf8 { append(byte, to: &target) }
        }
        if target.isEmpty { target = "/" }
        return request.query.isEmpty ? target : "\(target)?\(request.query.text)"
    }

    /// What RFC 3986 section 3.3 lets stand in a segment stands; the rest is encoded.
    private static func append(_ byte: UInt8, to target: inout String) {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: break
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): break
        case UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: ","), UInt8(ascii: "="): break
        default:
            let digits = String(byte, radix: 16, uppercase: true)
            target += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            return
        }
        target.unicodeScalars.append(Unicode.Scalar(byte))
    }

    /// The response's fields for the client: nothing of the connection, nothing of the inside.
    static func response(_ headers: Headers, limits: Headers) -> Headers {
        var headers = headers
        headers.removeHopByHop()
        headers.filter { name in
            !name.text.hasPrefix(CallerHeader.reservedPrefix) && name != .contentLength
                && name != .date && name != .requestDeadline && name != "server"
        }
        headers.append(limits)
        return headers
    }

    private enum Names {
        static let hops: HeaderName = "max-forwards"
        static let user: HeaderName = "x-anyway-user"
        static let role: HeaderName = "x-anyway-role"
        static let session: HeaderName = "x-anyway-session"
    }
}
