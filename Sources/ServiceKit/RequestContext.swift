internal import Contracts
package import HTTP
internal import Reactor
package import Telemetry

/// Gives each request its trace and its deadline, and its problems the trace's id.
package struct RequestContext: Sendable {
    private let log: Logger
    private let tracer: Tracer?

    /// - Parameters:
    ///   - log: where requests that fail by our fault are told of.
    ///   - tracer: who keeps a span of each request; nil for none.
    package init(log: Logger, tracer: Tracer? = nil) {
        self.log = log
        self.tracer = tracer
    }

    /// Puts the context around `next`, whether it answers at once or later.
    package func wrap(_ next: Responder) -> Responder {
        if let tracer { return traced(next, tracer) }
        return Responder { request throws(Problem) in
            let context = Context(
                trace: Self.trace(of: request),
                deadline: Self.deadline(of: request)
            )
            switch reply(to: &request, next, in: context) {
            case .success(.later(let handler)): return .later(later(handler, in: context))
            case .success(let reply): return reply
            case .failure(let problem): throw problem
            }
        }
    }

    /// The same with a span around it; apart, because who keeps none should not pay for it.
    private func traced(_ next: Responder, _ tracer: Tracer) -> Responder {
        Responder { request throws(Problem) in
            let span = tracer.begin(after: Self.caller(of: request))
            let context = Context(trace: span.context, deadline: Self.deadline(of: request))
            switch reply(to: &request, next, in: context) {
            case .success(.later(let handler)):
                return .later(traced(handler, in: context, span))
            case .success(.now(let response)):
                span.endAtOnce(request, response.status)
                return .now(response)
            case .failure(let problem):
                span.endAtOnce(request, problem.status)
                throw problem
            }
        }
    }

    /// A handler that runs in the context, with a span around it.
    private func traced(
        _ next: @escaping Handler,
        in context: Context,
        _ span: OpenSpan
    ) -> Handler {
        { request throws(Problem) in
            let result = await context.bind(next, request)
            do throws(Problem) {
                let response = try answer(result, request, context)
                span.end(request, response.route, response.status)
                return response
            } catch {
                span.end(request, nil, error.status, because: error)
                throw error
            }
        }
    }

    @inline(__always)
    private func reply(
        to request: inout Request,
        _ next: Responder,
        in context: Context
    ) -> Result<Reply, Problem> {
        // Task-local values do not pass typed errors on.
        context.bind {
            do throws(Problem) {
                return .success(try next.reply(to: &request))
            } catch {
                return .failure(note(error, request, context.trace))
            }
        }
    }

    /// A handler that runs in the context.
    private func later(_ next: @escaping Handler, in context: Context) -> Handler {
        { request throws(Problem) in
            try answer(await context.bind(next, request), request, context)
        }
    }

    private func answer(
        _ result: Result<Response, Problem>,
        _ request: Request,
        _ context: Context
    ) throws(Problem) -> Response {
        do throws(Problem) {
            return try result.get()
        } catch {
            throw context.bind { note(error, request, context.trace) }
        }
    }

    /// What is bound while a request is answered.
    ///
    /// Binding costs, so the deadline is bound only where there is one: without it the outermost
    /// value, none, holds.
    private struct Context {
        let trace: TraceContext
        let deadline: Deadline

        func bind<Value>(_ body: () -> Value) -> Value {
            TraceContext.$current.withValue(trace) {
                guard deadline != .never else { return body() }
                return Deadline.$current.withValue(deadline, operation: body)
            }
        }

        // Inlined, as what it calls is: each call that waits is paid for once more when it comes back.
        @inline(__always)
        func bind(_ next: Handler, _ request: Request) async -> Result<Response, Problem> {
            await TraceContext.$current.withValue(trace) {
                do throws(Problem) {
                    guard deadline == .never else { return await late(next, request) }
                    return .success(try await next(request))
                } catch {
                    return .failure(error)
                }
            }
        }

        @inline(__always)
        private func late(_ next: Handler, _ request: Request) async -> Result<Response, Problem> {
            await Deadline.$current.withValue(deadline) {
                do throws(Problem) {
                    return .success(try await next(request))
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    /// A problem that is our fault, or has a cause worth knowing, is logged with it; the client never
    /// sees the cause.
    private func note(_ problem: Problem, _ request: Request, _ trace: TraceContext) -> Problem {
        var problem = problem
        problem.members["trace_id"] = .string(trace.traceID)
        if problem.instance == nil { problem.instance = request.path.description }
        let isOurs = problem.status.isFault
        if isOurs || problem.cause != nil {
            log.warning(
                isOurs ? "request failed" : "request refused",
                [
                    "status": .int(problem.status.code), "path": .string("\(request.path)"),
                    "detail": .string(problem.detail ?? problem.title),
                    "cause": .string(problem.cause ?? ""),
                ]
            )
        }
        return problem
    }

    /// The caller's trace goes on; a request without one, or with a malformed one, begins a new one.
    static func trace(of request: Request) -> TraceContext {
        caller(of: request)?.child() ?? .root()
    }

    /// Where the caller stands in its trace; nil when it says nothing valid about it.
    private static func caller(of request: Request) -> TraceContext? {
        guard let header = request.headers[.traceparent] else { return nil }
        let states = request.headers.all(.tracestate)
        return TraceContext(
            traceparent: header,
            tracestate: states.isEmpty ? nil : states.joined(separator: ",")
        )
    }

    /// The milliseconds the caller has left, counted from now; only the platform's own are believed.
    static func deadline(of request: Request) -> Deadline {
        guard request.caller != nil, let text = request.headers[.requestDeadline],
            let milliseconds = Int64(text), milliseconds >= 0
        else { return .never }
        return .after(.milliseconds(min(milliseconds, 3_600_000)))
    }
}

extension OpenSpan {
    /// Ends the span of a request that was answered without waiting, health checks for the most part:
    /// worth keeping only in a trace that somebody else began.
    fileprivate func endAtOnce(_ request: Request, _ status: Status) {
        guard hasParent else { return }
        end(request, nil, status)
    }

    /// Ends the span of a request.
    fileprivate func end(
        _ request: Request,
        _ route: String?,
        _ status: Status,
        because problem: Problem? = nil
    ) {
        let route = route ?? problem?.route ?? request.routeTemplate
        guard hasParent || route?.hasPrefix("/health") != true else { return }
        let method = request.method.spanName
        end(
            .words(method, route ?? ""),
            .server,
            .request(method: method, route: route, status: status.code),
            failure: status.isFault ? problem?.title ?? "\(status.code)" : nil
        )
    }
}

extension Status {
    /// Whether it tells of a failure of ours: 501 and 505 are answers to requests that nobody here takes.
    fileprivate var isFault: Bool { code >= 500 && code != 501 && code != 505 }
}

extension Method {
    /// The method as spans name it; `_OTHER` for what a client made up, which could be of any length.
    fileprivate var spanName: String {
        if case .other = self { return "_OTHER" }
        return description
    }
}
