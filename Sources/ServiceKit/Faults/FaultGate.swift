internal import HTTP
internal import Mesh
internal import Reactor

/// Does to the requests of the service port what the rules for incoming requests say.
struct FaultGate: Sendable {
    let faults: FaultInjector

    /// A content up to this size can be handled twice.
    private static let duplicateLimit = 1 << 20

    func wrap(_ next: @escaping Handler) -> Handler {
        { request throws(Problem) in
            let actions = faults.decide(
                .init(
                    .incoming,
                    request.method,
                    path: request.path.segments,
                    peer: request.caller
                )
            )
            guard !actions.isNothing else { return try await next(request) }
            return try await perform(actions, request, next)
        }
    }

    private func perform(
        _ actions: FaultActions,
        _ request: Request,
        _ next: Handler
    ) async throws(Problem) -> Response {
        if actions.delay > .zero {
            // A caller that has left by then is not waited for, but its request was sent all the same:
            // such late requests are what this fault is about.
            try? await EventLoop.sleep(for: actions.delay)
        }
        switch actions.fate {
        case .proceed: break
        case .answer(let status):
            throw Problem(status, "injected-fault", detail: "a fault was injected here")
        case .reset: return .dropped(.reset)
        case .drop: return .dropped(.close)
        }
        let answer = await handle(request, twice: actions.duplicates, next)
        if actions.dropsReply { return .dropped(.close) }
        let response = try answer.get()
        return actions.bytesPerSecond.map { Self.slowed(response, to: $0) } ?? response
    }

    private func handle(
        _ request: Request,
        twice: Bool,
        _ next: Handler
    ) async -> Result<Response, Problem> {
        do throws(Problem) {
            guard twice, let length = request.bodyStream.length, length <= Self.duplicateLimit
            else {
                return .success(try await next(request))
            }
            let content = try await request.body(limit: Self.duplicateLimit)
            let first = await handle(request.carrying(content), twice: false, next)
            _ = await handle(request.carrying(content), twice: false, next)
            return first
        } catch {
            return .failure(error)
        }
    }

    private static func slowed(_ response: Response, to rate: Int) -> Response {
        var response = response
        switch response.body {
        case .none: break
        case .bytes(let content):
            response.body = .stream(length: content.count) { writer in
                try await SlowWriter(writer, rate).write(content)
            }
        case .stream(let length, let produce):
            response.body = .stream(length: length) { writer in
                try await produce(SlowWriter(writer, rate))
            }
        }
        return response
    }
}

/// Passes bytes on at a rate, a tenth of a second's worth at a time.
private final class SlowWriter: BodyWriter {
    private let writer: any BodyWriter
    private let rate: Int

    init(_ writer: any BodyWriter, _ rate: Int) { (self.writer, self.rate) = (writer, rate) }

    var isDraining: Bool { writer.isDraining }

    func write(_ bytes: [UInt8]) async throws(SocketError) {
        let size = max(1, rate / 10)
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            rest = rest.dropFirst(size)
            try await writer.write(piece)
            try await writer.flush()
            try await EventLoop.sleep(for: .microseconds(piece.count * 1_000_000 / rate))
        }
    }

    func flush() async throws(SocketError) { try await writer.flush() }
}
