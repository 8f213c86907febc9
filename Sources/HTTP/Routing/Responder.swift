/// Answers a request without waiting: what routes lead to that need no database and no other service.
public typealias ImmediateHandler = @Sendable (Request) throws(Problem) -> Response

/// What becomes of a request: its answer, or who will give it.
public enum Reply: Sendable {
    /// The answer is there.
    case now(Response)
    /// The handler answers the request, and has to wait for something.
    case later(Handler)
}

/// Decides what answers a request, and answers at once where nothing has to be waited for.
///
/// Deciding needs no task: only a reply of `.later` costs one. A server calls it on the connection's
/// loop, so like everything there it must not block.
public struct Responder: Sendable {
    private let decide: @Sendable (inout Request) throws(Problem) -> Reply

    /// A responder that decides so; the closure is called once for each request.
    ///
    /// What it changes in the request, its route for example, a handler that answers later will see.
    public init(_ decide: @escaping @Sendable (inout Request) throws(Problem) -> Reply) {
        self.decide = decide
    }

    /// Leaves everything to a handler that waits.
    public init(_ handler: @escaping Handler) {
        self.init { _ in .later(handler) }
    }

    /// The reply to a request, which is from now on the request for the handler that it may name.
    ///
    /// - Throws: the problem that is to be answered.
    public func reply(to request: inout Request) throws(Problem) -> Reply {
        try decide(&request)
    }

    /// The responder as a handler, for whoever waits anyhow.
    public var handler: Handler {
        @Sendable func answer(_ request: Request) async throws(Problem) -> Response {
            var request = request
            switch try reply(to: &request) {
            case .now(let response): return response
            case .later(let handler):
                do throws(Problem) {
                    var response = try await handler(request)
                    response.route = response.route ?? request.route?.template
                    return response
                } catch {
                    throw error.from(request)
                }
            }
        }
        return answer
    }
}

extension Problem {
    /// The problem with the route of the request that it answers.
    func from(_ request: Request) -> Problem {
        guard route == nil, let template = request.route?.template else { return self }
        var problem = self
        problem.route = template
        return problem
    }
}
