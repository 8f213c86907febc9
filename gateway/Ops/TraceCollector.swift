internal import HTTP
internal import Mesh
internal import Reactor
internal import ServiceKit

/// Puts a trace together from what every process of the platform remembers of it.
struct TraceCollector: Sendable {
    /// How long an instance may take to answer; one that is away must not hold up the others' parts.
    static let limit = Duration.seconds(1)
    /// The longest answer that is read.
    static let bytes = 4 << 20

    /// Who is asked besides this process.
    let upstreams: @Sendable () -> [Upstream]
    /// This process's own part.
    let own: @Sendable (Request) async throws(Problem) -> TracePart

    /// Answers with all that is known of the trace that the path names, and says what is missing.
    func answer(_ request: Request) async throws(Problem) -> Response {
        var parts = [try await own(request)]
        var missing: [MissingPart] = []
        // The id was checked by asking ourselves.
        let question = ClientRequest(.get, "/debug/traces/\(try request.parameter("id"))")
        for (part, gap) in await ask(upstreams(), question) {
            if let part { parts.append(part) }
            if let gap { missing.append(gap) }
        }
        return try TraceAnswer.response(to: request, parts: parts, missing: missing)
    }

    private func ask(
        _ upstreams: [Upstream],
        _ question: ClientRequest
    ) async -> [(TracePart?, MissingPart?)] {
        await withTaskGroup(of: [(TracePart?, MissingPart?)].self) { group in
            for upstream in upstreams {
                group.addTask {
                    let answers = await upstream.askEach(
                        question,
                        within: Self.limit,
                        bytes: Self.bytes
                    )
                    guard !answers.isEmpty else {
                        let gap = MissingPart(
                            service: upstream.name,
                            instance: nil,
                            reason: "no instance is known"
                        )
                        return [(nil, gap)]
                    }
                    return answers.map { Self.read($0, of: upstream.name) }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// What an answer holds: a part, or why there is none.
    static func read(
        _ answer: InstanceAnswer,
        of service: String
    ) -> (TracePart?, MissingPart?) {
        let reason: String
        switch answer.result {
        case .success(let (status, content)) where status.isSuccess:
            if let part = try? JSON.decode(TracePart.self, from: content) { return (part, nil) }
            reason = "its answer is no part of a trace"
        case .success(let (status, _)): reason = "it answered \(status.code)"
        case .failure(.connect), .failure(.identityMismatch): reason = "it cannot be reached"
        case .failure(.timedOut): reason = "it did not answer within \(limit)"
        case .failure: reason = "its answer was lost"
        }
        return (nil, MissingPart(service: service, instance: answer.instance, reason: reason))
    }
}
