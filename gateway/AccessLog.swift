internal import Contracts
internal import FoundationEssentials
internal import HTTP
internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// What a request's handlers learn that its line in the access log should tell.
final class AccessNote: Sendable {
    /// The note of the request at hand.
    @TaskLocal static var current: AccessNote?

    struct Facts: Sendable {
        var user: UUID?
        var service: String?
        var instance: SocketAddress?
        var tries = 0
        var cache: String?
    }

    private let facts = Mutex(Facts())

    var all: Facts { facts.withLock { $0 } }

    func set(user: UUID?, service: String) {
        facts.withLock { facts in
            facts.user = user
            facts.service = service
        }
    }

    /// What the cache did.
    func set(cache: String) { facts.withLock { $0.cache = cache } }

    func set(_ outcome: CallOutcome) {
        facts.withLock { facts in
            facts.instance = outcome.instance
            facts.tries = outcome.tries
        }
    }
}

/// Writes one line for each request and tells the client what to ask for it by: the trace id, which the
/// logger adds to the line.
struct AccessLog: Sendable {
    private let log: Logger

    init(_ log: Logger) { self.log = log }

    func wrap(_ next: Responder) -> Responder {
        Responder { request throws(Problem) in
            let started = Deadline.now
            let note = AccessNote()
            let copy = request
            let result: Result<Reply, Problem> = AccessNote.$current.withValue(note) {
                do throws(Problem) { return .success(try next.reply(to: &request)) } catch {
                    return .failure(error)
                }
            }
            switch result {
            case .success(.later(let handler)):
                return .later { request throws(Problem) in
                    let result: Result<Response, Problem> = await AccessNote.$current.withValue(
                        note
                    ) {
                        do throws(Problem) { return .success(try await handler(request)) } catch {
                            return .failure(error)
                        }
                    }
                    return try tell(request, result, note, started)
                }
            case .success(.now(let response)):
                return .now(try tell(copy, .success(response), note, started))
            case .failure(let problem):
                return .now(try tell(copy, .failure(problem), note, started))
            }
        }
    }

    private func tell(
        _ request: Request,
        _ result: consuming Result<Response, Problem>,
        _ note: AccessNote,
        _ started: Deadline
    ) throws(Problem) -> Response {
        let trace = TraceContext.current
        switch consume result {
        case .success(var response):
            let route = response.route ?? request.routeTemplate
            write(request, response.status, route, Self.size(response), note, started)
            if let trace { ForwardedHead.name(&response.headers, trace) }
            return response
        case .failure(var problem):
            write(
                request,
                problem.status,
                problem.route ?? request.routeTemplate,
                nil,
                note,
                started
            )
            if let trace { ForwardedHead.name(&problem.headers, trace) }
            throw problem
        }
    }

    private func write(
        _ request: Request,
        _ status: Status,
        _ route: String?,
        _ bytes: Int?,
        _ note: AccessNote,
        _ started: Deadline
    ) {
        let facts = note.all
        let now = Deadline.now
        log.info("access") { line in
            line.add("method", request.method.description)
            line.add("path", request.path.description)
            line.add("status", status.code)
            line.add("ms", nanoseconds: now > started ? now.nanoseconds - started.nanoseconds : 0)
            line.add("remote", request.remote.hostText)
            line.add("route", route)
            line.add("bytes", bytes)
            if let user = facts.user {
                line.add("user", addingCapacity: 36) { user.appendCanonical(to: &$0) }
            }
            line.add("cache", facts.cache)
            line.add("upstream", facts.service)
            guard let instance = facts.instance else { return }
            line.add("upstream_instance", instance.description)
            line.add("tries", facts.tries)
        }
    }

    /// The content's length as far as it is known when the head is.
    private static func size(_ response: Response) -> Int? {
        switch response.body {
        case .none: 0
        case .bytes(let bytes): bytes.count
        case .stream(let length, _): length
        }
    }
}
