internal import HTTP
internal import Reactor
internal import Synchronization
internal import Telemetry

/// Sends kept traces to a collector in OTLP over HTTP, as JSON.
///
/// It never holds anybody up: what finds no room is dropped and counted, and a collector that is away
/// costs a try now and then.
final class TraceExporter: Sendable {
    /// How often spans that wait are sent.
    static let interval = Duration.seconds(1)
    /// How long one try may take, the collector's answer included.
    static let tryTime = Duration.seconds(10)
    /// Collectors answer with a few bytes.
    private static let answerLimit = 65_536

    private let target: ExportTarget
    private let client: HTTPClient
    private let log: Logger
    private let interval: Duration
    private let queue: Mutex<ExportQueue>

    init(
        _ target: ExportTarget,
        client: HTTPClient,
        log: Logger,
        limits: ExportQueue.Limits = ExportQueue.Limits(),
        interval: Duration = TraceExporter.interval
    ) {
        self.target = target
        self.client = client
        self.log = log
        self.interval = interval
        queue = Mutex(ExportQueue(limits: limits))
    }

    /// Takes in the spans of a kept trace; never waits.
    func take(_ spans: [TraceSpan]) { queue.withLock { $0.add(spans) } }

    /// Sends what waits until the task is cancelled, and then once more.
    func run() async {
        var isAway = false
        while !Task.isCancelled {
            try? await EventLoop.sleep(for: interval)
            await sendAll(&isAway)
        }
        // What the last requests left: one try, in a task that is not cancelled yet.
        await Task(executorPreference: EventLoop.required) { [self] in
            let batch = queue.withLock { $0.load() }
            guard !batch.isEmpty else { return }
            _ = await send(message(batch), within: .seconds(1))
        }.value
    }

    private func sendAll(_ isAway: inout Bool) async {
        while !Task.isCancelled {
            let batch = queue.withLock { $0.load() }
            guard !batch.isEmpty else { return }
            let message = message(batch)
            var next = ExportQueue.Next.again(after: .zero)
            while case .again(let pause) = next, !Task.isCancelled {
                try? await EventLoop.sleep(for: pause)
                let outcome = await send(message, within: Self.tryTime)
                note(outcome, &isAway)
                next = queue.withLock { $0.finish(outcome, jitter: .random(in: 0...1)) }
            }
        }
    }

    /// The request for a batch, the same for each try; nil when it cannot be written as JSON.
    private func message(_ spans: [TraceSpan]) -> ClientRequest? {
        let content = OTLPRequest(
            spans,
            service: log.service,
            instance: log.instance,
            SpanClock()
        )
        var request = try? ClientRequest.json(.post, target.path, content)
        request?.headers[.host] = target.authority
        return request
    }

    /// Says when a collector goes away or comes back, not each time that it is away.
    private func note(_ outcome: ExportQueue.Outcome, _ isAway: inout Bool) {
        if case .taken = outcome {
            if isAway {
                log.info("traces are taken again", ["collector": .string(target.authority)])
            }
            isAway = false
            return
        }
        if !isAway {
            log.warning(
                "traces are not taken",
                ["collector": .string(target.authority), "outcome": .string("\(outcome)")]
            )
        }
        isAway = true
    }

    private func send(
        _ request: ClientRequest?,
        within limit: Duration
    ) async -> ExportQueue.Outcome {
        guard let request else { return .status(0, retryAfter: nil) }
        do {
            let deadline = Deadline.after(limit)
            let found = try await SocketAddress.resolve(
                host: target.host,
                port: target.port,
                until: deadline
            )
            guard let address = found.first else { return .noAnswer }
            let response = try await client.send(request, to: Endpoint(address), until: deadline)
            let retryAfter = response.headers["retry-after"].flatMap(Int64.init)
            guard response.status.isSuccess else {
                _ = try? await response.body(limit: Self.answerLimit)
                return .status(
                    response.status.code,
                    retryAfter: retryAfter.map { .seconds(max(0, min($0, 3_600))) }
                )
            }
            return .taken(rejected: await Self.rejected(response))
        } catch {
            return .noAnswer
        }
    }

    /// How many spans the collector says it did not take, in `partialSuccess`.
    private static func rejected(_ response: ClientResponse) async -> Int {
        guard let answer = try? await response.json(JSONValue.self, limit: answerLimit),
            let count = answer["partialSuccess"]?["rejectedSpans"]
        else { return 0 }
        return count.string.flatMap(Int.init) ?? Int(count.integer ?? 0)
    }

    /// Shows what was sent and what was lost; nothing where there is no exporter.
    static func show(_ exporter: TraceExporter?, in metrics: Metrics) {
        metrics.collect(
            "trace_export_spans_total",
            "Spans of kept traces by what became of them on the way to the collector.",
            kind: .counter,
            labels: ["outcome"]
        ) {
            guard let exporter else { return [] }
            let (sent, dropped) = exporter.queue.withLock { ($0.sent, $0.dropped) }
            return [Sample(["sent"], Double(sent)), Sample(["dropped"], Double(dropped))]
        }
        metrics.collect("trace_export_waiting", "Spans that wait for the collector.") {
            guard let exporter else { return [] }
            return [Sample([], Double(exporter.queue.withLock { $0.count }))]
        }
    }
}
