/// Answers a request: what routes lead to, what middleware wraps, what a server is given.
public typealias Handler = @Sendable (Request) async throws(Problem) -> Response

/// Wraps a handler in another, to do something before, after or instead of it.
public typealias Middleware = @Sendable (_ next: @escaping Handler) -> Handler

/// Who may call a route, by the identity in the caller's certificate.
public enum Callers: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    /// Everybody, with or without a certificate.
    case anyone
    /// Only these services, by short name: `gateway` is `spiffe://anyway/gateway`.
    case only(Set<String>)

    /// One service: `from: "order"`.
    public init(stringLiteral name: String) { self = .only([name]) }
    /// Some services: `from: ["order", "gateway"]`.
    public init(arrayLiteral names: String...) { self = .only(Set(names)) }

    func admit(_ request: Request) -> Bool {
        switch self {
        case .anyone: true
        case .only(let names): request.caller.map(names.contains) ?? false
        }
    }
}

/// Leads requests to handlers by path and method.
///
/// A template is a path in which `{name}` stands for one segment and a final `{name...}` for all that
/// remain. A literal segment wins over a parameter, a parameter over a tail. Unknown paths are
/// answered 404, other methods 405 with `Allow`, unknown methods 501, callers that a route does not
/// admit 403; `HEAD` is led to `GET`, and `OPTIONS` is answered with `Allow`.
public struct Router: Sendable {
    /// Who answers what a template leads to.
    enum Answerer: Sendable {
        case immediate(ImmediateHandler)
        case waiting(Handler)
        case deciding(@Sendable (Request) throws(Problem) -> Reply)
    }

    /// Shared by all requests that it answers.
    final class Route: Sendable {
        let method: Method
        let template: String
        let callers: Callers
        let parameters: PathParameters
        let answerer: Answerer

        init(
            method: Method,
            template: String,
            callers: Callers,
            parameters: PathParameters,
            answerer: Answerer
        ) {
            self.method = method
            self.template = template
            self.callers = callers
            self.parameters = parameters
            self.answerer = answerer
        }
    }

    private var tree = RouteTree()

    /// A router without routes.
    public init() {}

    /// Adds a route; a malformed template, or one that is there already, is a programming error.
    public mutating func on(
        _ method: Method,
        _ template: String,
        from callers: Callers = .anyone,
        _ handler: @escaping Handler
    ) {
        tree.add(method, template, callers, .waiting(handler))
    }

    /// Adds a route whose handler waits for nothing, so that it is answered without a task; like `on`
    /// in all else.
    public mutating func immediate(
        _ method: Method,
        _ template: String,
        from callers: Callers = .anyone,
        _ handler: @escaping ImmediateHandler
    ) {
        tree.add(method, template, callers, .immediate(handler))
    }

    /// Adds a route that sees from each request whether it can be answered at once; like `on` in all
    /// else.
    ///
    /// - Parameter decide: must not block; what it throws is the answer.
    public mutating func deciding(
        _ method: Method,
        _ template: String,
        from callers: Callers = .anyone,
        _ decide: @escaping @Sendable (Request) throws(Problem) -> Reply
    ) {
        tree.add(method, template, callers, .deciding(decide))
    }

    /// Whether a text is a template that `on` takes.
    public static func isTemplate(_ text: String) -> Bool {
        guard text.hasPrefix("/") else { return false }
        var names: Set<Substring> = []
        let segments = text.split(separator: "/")
        for (index, segment) in segments.enumerated() {
            guard segment.hasPrefix("{"), segment.hasSuffix("}"), segment.count > 2 else {
                if segment.contains(where: { "{}".contains($0) }) { return false }
                continue
            }
            let isTail = segment.hasSuffix("...}")
            let name = segment.dropFirst().dropLast(isTail ? 4 : 1)
            guard !name.isEmpty, names.insert(name).inserted,
                !isTail || index == segments.count - 1,
                !name.contains(where: { "{}.".contains($0) })
            else { return false }
        }
        return true
    }

    /// The methods of the routes at a path.
    public func methods(at path: Path) -> [Method] { tree.find(path)?.map(\.method) ?? [] }

    /// Whether a route has this path, whatever its method.
    public func knows(_ path: Path) -> Bool { tree.find(path) != nil }

    /// The router as what a server is given; answers and problems know their route.
    ///
    /// It throws the handler's problem, or one of the router's own when no route takes the request.
    public var responder: Responder {
        Responder { request throws(Problem) in
            guard let routes = tree.find(request.path) else {
                if request.path == .asterisk { return .now(.empty()) }
                throw .notFound("there is nothing at \(request.path)")
            }
            guard let route = Self.choose(routes, request.method) else {
                return .now(try Self.otherMethod(request.method, routes))
            }
            guard route.callers.admit(request) else {
                var problem = Problem(.forbidden, detail: "this caller may not use this route")
                let caller = request.peerIdentity ?? "nobody with a certificate"
                problem.cause = "\(caller) is not among the callers of \(route.template)"
                throw problem
            }
            request.route = route
            switch route.answerer {
            case .waiting(let handler): return .later(handler)
            case .immediate(let handler):
                do throws(Problem) {
                    return .now(try Self.answer(request, handler, route.template))
                } catch {
                    throw error.from(request)
                }
            case .deciding(let decide):
                do throws(Problem) {
                    switch try decide(request) {
                    case .later(let handler): return .later(handler)
                    case .now(var response):
                        response.route = route.template
                        return .now(response)
                    }
                } catch {
                    throw error.from(request)
                }
            }
        }
    }

    /// Never inlined, because then the answer would be copied into the reply.
    @inline(never)
    private static func answer(
        _ request: Request,
        _ handler: ImmediateHandler,
        _ template: String
    ) throws(Problem) -> Response {
        try handler(request).routed(by: template)
    }

    /// The router as a handler, for middleware to wrap.
    public var handler: Handler { responder.handler }

    /// Answers a request, as `handler` does.
    public func handle(_ request: Request) async throws(Problem) -> Response {
        try await handler(request)
    }

    private static func choose(_ routes: [Route], _ method: Method) -> Route? {
        routes.first { $0.method == method }
            ?? (method == .head ? routes.first { $0.method == .get } : nil)
    }

    private static func otherMethod(
        _ method: Method,
        _ routes: [Route]
    ) throws(Problem) -> Response {
        if case .other = method { throw Problem(.notImplemented, detail: "the method is unknown") }
        var allowed = Set(routes.map(\.method.description)).union(["OPTIONS"])
        if allowed.contains("GET") { allowed.insert("HEAD") }
        let headers: Headers = [.allow: allowed.sorted().joined(separator: ", ")]
        guard method == .options else {
            throw Problem(
                .methodNotAllowed,
                detail: "\(method) is not allowed here",
                headers: headers
            )
        }
        return .empty(headers: headers)
    }
}
