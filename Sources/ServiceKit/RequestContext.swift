internal import Contracts
package import HTTP
internal import Reactor
package import Telemetry

/// Gives each request its trace and its deadline, and its problems the trace's id.
package struct RequestContext: Sendable {
    private let log: Logger

    /// - Parameter log: where requests that fail by our fault are told of.
    package init(log: Logger) {
        self.log = log
    }

    /// Puts the context around `next`.
    package func wrap(_ next: @escaping Handler) -> Handler {
        { request throws(Problem) in
            let trace = Self.trace(of: request)
            let deadline = Self.deadline(of: request)
            // Each closure around a call costs a frame and a look at the executor, so the deadline
            // is bound only where there is one: without it the outermost value, none, holds.
            let result: Result<Response, Problem> = await TraceContext.$current.withValue(trace) {
                do throws(Problem) {
                    guard deadline == .never else { return await bound(deadline, next, request) }
                    return .success(try await next(request))
                } catch {
                    return .failure(error)
                }
            }
            do throws(Problem) {
                return try result.get()
            } catch {
                throw TraceContext.$current.withValue(trace) { note(error, request, trace) }
            }
        }
    }

    private func bound(
        _ deadline: Deadline,
        _ next: Handler,
        _ request: Request
    ) async -> Result<Response, Problem> {
        await Deadline.$current.withValue(deadline) {
            do throws(Problem) {
                return .success(try await next(request))
            } catch {
                return .failure(error)
            }
        }
    }

    /// A problem that is our fault, or has a cause worth knowing, is logged with it; the client never
    /// sees the cause.
    private func note(_ problem: Problem, _ request: Request, _ trace: TraceContext) -> Problem {
        var problem = problem
        problem.members["trace_id"] = .string(trace.traceID)
        if problem.instance == nil { problem.instance = request.path.description }
        let isOurs = problem.status.code >= 500
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
        guard let header = request.headers[.traceparent],
            let parent = TraceContext(traceparent: header)
        else { return .root() }
        return parent.child()
    }

    /// The milliseconds the caller has left, counted from now; only the platform's own are believed.
    static func deadline(of request: Request) -> Deadline {
        guard request.caller != nil, let text = request.headers[.requestDeadline],
            let milliseconds = Int64(text), milliseconds >= 0
        else { return .never }
        return .after(.milliseconds(min(milliseconds, 3_600_000)))
    }
}
