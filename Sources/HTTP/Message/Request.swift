public import Reactor

/// A request as handlers see it: the head is parsed and checked, the content still to be read.
public struct Request: Sendable {
    private(set) var head: RequestHead
    /// Where the connection comes from.
    public let remote: SocketAddress
    /// The SPIFFE URI in the caller's verified certificate: `spiffe://anyway/order`.
    public let peerIdentity: String?
    /// Whether it came over TLS.
    public let isSecure: Bool
    /// The content, as it arrives.
    public private(set) var bodyStream: BodyReader
    /// The route that the router chose; nil before it did.
    var route: Router.Route?

    init(
        _ head: consuming RequestHead,
        body: BodyReader,
        remote: SocketAddress,
        peerIdentity: String?,
        isSecure: Bool = false
    ) {
        self.head = head
        self.isSecure = isSecure
        self.remote = remote
        self.peerIdentity = peerIdentity
        bodyStream = body
    }

    /// A request without a connection, as tests make it; one that no client could send is a
    /// programming error.
    ///
    /// - Parameter target: a path with an optional query, as in `/orders?limit=5`.
    public init(
        _ method: Method,
        _ target: String,
        headers: Headers = [:],
        body: [UInt8] = [],
        peerIdentity: String? = nil,
        remote: SocketAddress = .loopback(port: 0)
    ) {
        var bytes = [UInt8]("\(method) \(target) HTTP/1.1\r\n".utf8)
        if !headers.contains(.host) { bytes += [UInt8]("host: localhost\r\n".utf8) }
        headers.serialise(into: &bytes, keepLength: false)
        bytes += [0x0D, 0x0A]
        var parser = RequestParser()
        guard let head = try? parser.parse(bytes.span) else {
            preconditionFailure("'\(method) \(target)' is not a request")
        }
        self.init(head, body: BodyReader(body), remote: remote, peerIdentity: peerIdentity)
    }

    /// The same request with a content that is all there, in place of one that can be read once.
    public func carrying(_ content: [UInt8]) -> Request {
        var copy = self
        copy.bodyStream = BodyReader(content)
        return copy
    }

    /// What is to be done.
    public var method: Method { head.method }
    /// The target as it came; for logs, never for routing.
    public var target: String { head.target }
    /// The path, normalised and decoded once.
    public var path: Path { head.path }
    /// The fields of the query, decoded on access.
    public var query: Query { head.query }
    /// The version the client spoke.
    public var version: Version { head.version }
    /// The authority the client asked for; nil only in HTTP/1.0.
    public var host: String? { head.host }
    /// The header fields; middleware may add to them or remove from them.
    public var headers: Headers {
        get { head.headers }
        set { head.headers = newValue }
    }

    /// The caller's short name: `order` for `spiffe://anyway/order`; nil without a certificate.
    public var caller: String? {
        guard let peerIdentity, let slash = peerIdentity.lastIndex(of: "/"),
            peerIdentity[..<slash] == "spiffe://anyway"
        else { return nil }
        return String(peerIdentity[slash...].dropFirst())
    }

    /// The template of the route that answers; nil before the router chose one.
    public var routeTemplate: String? { route?.template }

    /// The text that stands in the path where the route's template has `{name}`.
    ///
    /// - Throws: a 400 problem; only when the template has no such name.
    public func parameter(_ name: String) throws(Problem) -> String {
        guard let text = route?.parameters.value(name, in: path) else {
            throw .badRequest("the path has no parameter '\(name)'")
        }
        return text
    }

    /// The path parameter `name` as a value of some type.
    ///
    /// - Throws: a 400 problem naming the parameter when its text is no such value.
    public func parameter<Value: LosslessStringConvertible>(
        _ name: String,
        as type: Value.Type = Value.self
    ) throws(Problem) -> Value {
        guard let value = Value(try parameter(name)) else {
            throw .badRequest("the path parameter '\(name)' is not valid")
        }
        return value
    }

    /// The query field `name` as a value of some type; nil when it is absent or empty.
    ///
    /// - Throws: a 400 problem naming the field when its text is no such value.
    public func queryValue<Value: LosslessStringConvertible>(
        _ name: String,
        as type: Value.Type = Value.self
    ) throws(Problem) -> Value? {
        guard let text = query.first(name), !text.isEmpty else { return nil }
        guard let value = Value(text) else {
            throw .badRequest("the query parameter '\(name)' is not valid")
        }
        return value
    }
}

/// Where a matched path holds the template's parameters: the names are the route's, so a match
/// copies nothing.
struct PathParameters: Sendable {
    /// The names, each with the number of its segment; a tail takes everything from there.
    var names: [(name: String, segment: Int, isTail: Bool)] = []

    var hasNoTail: Bool { names.last?.isTail != true }

    func value(_ name: String, in path: Path) -> String? {
        guard let entry = names.first(where: { $0.name == name }) else { return nil }
        var cursor = Path.Cursor(path)
        for _ in 0..<entry.segment { _ = cursor.next() }
        let bytes = entry.isTail ? cursor.rest : cursor.next()
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}
