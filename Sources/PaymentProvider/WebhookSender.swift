internal import FoundationEssentials
internal import HTTP
internal import Identity
internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// Tells a shop of what happened, in the background and as far as it goes: an event that nobody takes
/// is dropped, because whoever listens compares the lists as well.
final class WebhookSender: Sendable {
    /// Where events go and what they are signed with.
    struct Target: Sendable {
        let host: String
        let port: UInt16
        let path: String
        let secret: [UInt8]
    }

    /// Most events that wait; what comes beyond is dropped.
    static let capacity = 1000
    static let tries = 3
    /// How long one try may take, looking the name up included.
    static let tryTime = Duration.seconds(5)

    private struct State {
        var waiting: [[UInt8]] = []
        var wake = OneShot<Bool>()
    }

    private let target: Target
    private let client: HTTPClient
    private let resolver: Upstream.Resolver
    private let log: Logger
    private let state = Mutex(State())

    init(
        to target: Target,
        client: HTTPClient,
        resolver: @escaping Upstream.Resolver = Upstream.systemResolver,
        log: Logger
    ) {
        self.target = target
        self.client = client
        self.resolver = resolver
        self.log = log
    }

    /// Queues an event about an object.
    func tell(_ type: String, _ object: some Encodable & Sendable) {
        let event = WebhookEvent(
            id: StripeID.make("evt"),
            type: type,
            created: stripeNow(),
            object: object
        )
        guard let body = try? JSON.encode(event) else { return }
        let isTaken = state.withLock { state in
            guard state.waiting.count < Self.capacity else { return false }
            state.waiting.append(body)
            state.wake.resolve(true)
            return true
        }
        if !isTaken { log.warning("a webhook was dropped", ["reason": .string("too many wait")]) }
    }

    /// Sends what is queued, until cancelled.
    func run() async {
        while !Task.isCancelled {
            let (events, wake) = state.withLock { state in
                defer { state.waiting = [] }
                if state.wake.value != nil { state.wake = OneShot() }
                return (state.waiting, state.wake)
            }
            for event in events where !Task.isCancelled { await deliver(event) }
            if events.isEmpty { _ = await wake.wait(until: .never) }
        }
    }

    private func deliver(_ body: [UInt8]) async {
        var reason = ""
        for attempt in 0..<Self.tries where !Task.isCancelled {
            if attempt > 0 { try? await EventLoop.sleep(for: .milliseconds(500 << attempt)) }
            do {
                let deadline = Deadline.after(Self.tryTime)
                let found = try await resolver(target.host, target.port, deadline)
                guard let address = found.first else { throw SocketError.unresolved(target.host) }
                let answer = try await client.send(
                    message(body),
                    to: Endpoint(address),
                    until: deadline
                )
                _ = try await answer.body(limit: 64 << 10)
                if (200..<300).contains(answer.status.code) { return }
                reason = "status \(answer.status.code)"
            } catch {
                reason = "\(error)"
            }
        }
        log.warning("a webhook was dropped", ["reason": .string(reason)])
    }

    private func message(_ body: [UInt8]) -> ClientRequest {
        let time = stripeNow()
        let tag = HMACSHA256.tag(of: Array("\(time).".utf8) + body, key: target.secret)
        let hex = tag.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var headers: Headers = [.host: target.host, .contentType: "application/json"]
        headers["stripe-signature"] = "t=\(time),v1=\(hex)"
        return ClientRequest(.post, target.path, headers: headers, body: .bytes(body))
    }
}

extension WebhookSender.Target {
    /// Takes `http://HOST:PORT/PATH` and a secret of 16 to 255 characters; nil for anything else.
    init?(url: String, secret: String) {
        guard let url = URL(string: url), url.scheme == "http", let host = url.host(),
            !host.isEmpty, url.user() == nil, url.query() == nil,
            url.path().utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            (16...255).contains(secret.utf8.count),
            let port = UInt16(exactly: url.port ?? 80), port > 0
        else { return nil }
        self.host = host
        self.port = port
        path = url.path().isEmpty ? "/" : url.path()
        self.secret = Array(secret.utf8)
    }
}
