public import HTTP
internal import Telemetry

/// `/debug/traces`: what a process remembers of the requests it served, without any collector.
public struct TraceRoutes: Sendable {
    /// Who may ask over the service port; the admin port asks nobody.
    static let askers: Callers = "gateway"
    private static let limit = 50

    let service: String
    let instance: String
    /// Nil when the process keeps no spans.
    let tracer: Tracer?

    /// Adds the routes of the admin port.
    func add(to router: inout Router) {
        router.on(.get, "/debug/traces") { request throws(Problem) in try await list(request) }
        router.on(.get, "/debug/traces/{id}") { request throws(Problem) in
            try await TraceAnswer.response(to: request, parts: [part(request)], missing: [])
        }
    }

    /// Adds what the gateway asks when it puts a trace together.
    func addInternal(to router: inout Router) {
        router.on(.get, "/debug/traces/{id}", from: Self.askers) { request throws(Problem) in
            .json(try await part(request))
        }
        router.on(.post, "/debug/traces/keep", from: Self.askers) { request throws(Problem) in
            let wanted = try await request.json(KeepRequest.self)
            try await keeper().keep(wanted.traces)
            return .empty()
        }
    }

    /// The last traces, the slow ones and those that failed.
    ///
    /// - Throws: 404 when the process keeps none.
    public func list(_ request: Request) async throws(Problem) -> Response {
        let tracer = try keeper()
        let clock = SpanClock()
        let recent = await tracer.recent(limit: Self.limit)
        let slow = await tracer.kept(for: .slow, limit: Self.limit)
        let failed = await tracer.kept(for: .error, limit: Self.limit)
        let asked = await tracer.kept(for: .asked, limit: Self.limit)
        return .json(
            TraceList(
                service: service,
                instance: instance,
                slowFromMilliseconds: tracer.policy.slow / .milliseconds(1),
                recent: recent.map { TraceSummary($0, clock) },
                slow: slow.map { TraceSummary($0.root, clock) },
                error: failed.map { TraceSummary($0.root, clock) },
                asked: asked.map { TraceSummary($0.root, clock) }
            )
        )
    }

    /// What this process knows of the trace that the path names as `id`.
    ///
    /// - Throws: 400 when it is no trace id, 404 when the process keeps none.
    public func part(_ request: Request) async throws(Problem) -> TracePart {
        let tracer = try keeper()
        let (high, low) = try TraceAnswer.id(request)
        let clock = SpanClock()
        let spans = await tracer.spans(traceHigh: high, traceLow: low)
        return TracePart(
            service: service,
            instance: instance,
            spans: spans.sorted { $0.start < $1.start }.map { SpanReport($0, clock) }
        )
    }

    private func keeper() throws(Problem) -> Tracer {
        guard let tracer else {
            throw Problem(
                .notFound,
                "traces-off",
                detail: "this process keeps no traces; start it with TRACES=on"
            )
        }
        return tracer
    }
}

/// The traces a process tells of.
struct TraceList: Encodable {
    let service: String
    let instance: String
    let slowFromMilliseconds: Double
    let recent: [TraceSummary]
    let slow: [TraceSummary]
    let error: [TraceSummary]
    /// Those that went well here and not elsewhere.
    let asked: [TraceSummary]

    enum CodingKeys: String, CodingKey {
        case service, instance, recent, slow, error, asked
        case slowFromMilliseconds = "slow_from_ms"
    }
}

/// A trace by its first span in a process.
struct TraceSummary: Encodable {
    let traceID: String
    let root: SpanReport

    enum CodingKeys: String, CodingKey {
        case traceID = "trace_id"
        case root
    }

    init(_ span: TraceSpan, _ clock: SpanClock) {
        traceID = TraceText.hex(span.traceHigh) + TraceText.hex(span.traceLow)
        root = SpanReport(span, clock)
    }
}

extension Boot {
    /// What this process remembers of traces, for a process that tells of others' as well.
    public var traceAnswers: TraceRoutes {
        TraceRoutes(service: name, instance: instance, tracer: tracer)
    }
}
