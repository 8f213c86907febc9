public import HTTP
public import Reactor
internal import Synchronization
public import Telemetry

/// Another service, as callers see it: one name, behind which instances come, go, fail and recover.
///
/// ``run()`` keeps the list of instances and their health up to date; ``call(_:_:)`` may be used
/// from any event loop. Decisions are ``UpstreamState``'s, behind a mutex that is held for no
/// longer than one of them takes.
public final class Upstream: Sendable {
    struct Shared: Sendable {
        var state: UpstreamState
        var waiters: [Bulkhead.Ticket: OneShot<Bool>] = [:]
        var dice = Dice()
        /// Why TLS failed with an instance, as far as it was said.
        var refusals: [SocketAddress: String] = [:]
    }

    /// Looks a host's addresses up, up to a deadline.
    public typealias Resolver =
        @Sendable (
            _ host: String, _ port: UInt16, _ deadline: Deadline
        ) async throws(SocketError) -> [SocketAddress]

    /// The system's way of looking names up.
    public static let systemResolver: Resolver = {
        (host, port, deadline) async throws(SocketError) in
        try await SocketAddress.resolve(host: host, port: port, until: deadline)
    }

    /// The service's name.
    public let name: String
    /// The numbers in force.
    public let policy: MeshPolicy
    let endpoints: Endpoints
    let client: HTTPClient
    let log: Logger
    let measures: UpstreamMeasures
    let shared: Mutex<Shared>
    let faults: FaultInjector?
    let resolver: Resolver
    private let tls: TLSContext?
    private let identity: String?

    /// Describes a service; nothing is connected yet.
    ///
    /// - Parameters:
    ///   - name: its name, also in `spiffe://anyway/NAME`, which its instances must prove over TLS.
    ///   - endpoints: where its instances are.
    ///   - client: makes the connections.
    ///   - tls: the own certificate; nil for plain HTTP.
    ///   - identity: the SPIFFE URI to expect when it is not the name's.
    ///   - faults: what is done to requests on purpose; nil for nothing.
    ///   - resolver: looks names up.
    public init(
        name: String,
        endpoints: Endpoints,
        client: HTTPClient,
        tls: TLSContext?,
        identity: String? = nil,
        policy: MeshPolicy = MeshPolicy(),
        faults: FaultInjector? = nil,
        resolver: @escaping Resolver = systemResolver,
        log: Logger,
        metrics: Metrics
    ) {
        self.name = name
        self.endpoints = endpoints
        self.client = client
        self.tls = tls
        self.identity = tls == nil ? nil : identity ?? "spiffe://anyway/\(name)"
        self.policy = policy
        self.faults = faults
        self.resolver = resolver
        self.log = log.with(["upstream": .string(name)])
        self.measures = UpstreamMeasures(name, metrics)
        var state = UpstreamState(policy: policy)
        state.replace(with: Self.literals(endpoints), at: Self.now)
        shared = Mutex(Shared(state: state))
        measures.collect(from: self, metrics)
    }

    /// What is known of the service now.
    public var snapshot: UpstreamSnapshot {
        let now = Self.now
        return UpstreamSnapshot(name, shared.withLock { $0.state }, at: now)
    }

    /// Calls the service: chooses an instance, tries again elsewhere where that is safe.
    ///
    /// An answer is returned whatever its status, 5xx included when tries or budget are used up. Its
    /// content must be read before the try's deadline.
    ///
    /// - Throws: when there is no answer; the case says what is known about the effect.
    public func call(
        _ request: ClientRequest,
        _ options: CallOptions
    ) async throws(MeshError) -> ClientResponse {
        try await attempt(request, options).result.get()
    }

    /// Calls the service as ``call(_:_:)`` does, and says how it went.
    public func attempt(_ request: ClientRequest, _ options: CallOptions) async -> CallOutcome {
        let started = Self.now
        let span = TraceContext.current?.begin()
        let outcome: CallOutcome
        if let span {
            outcome = await TraceContext.$current.withValue(span.context) {
                await perform(request, options)
            }
        } else {
            outcome = await perform(request, options)
        }
        measures.count(outcome, took: Self.now - started)
        span?.end(call: name, outcome)
        return outcome
    }

    @inline(__always)
    private func perform(_ request: ClientRequest, _ options: CallOptions) async -> CallOutcome {
        let deadline = Deadline.after(options.timeout ?? policy.callTimeout).or(earlier: .current)
        do throws(MeshError) {
            try await enter(until: deadline)
        } catch {
            return CallOutcome(result: .failure(error), instance: nil, tries: 0)
        }
        let outcome = await tries(request, options, until: deadline)
        leave()
        return outcome
    }

    /// The monotonic clock's time, as the pure types want it.
    static var now: Duration { .nanoseconds(Int64(clamping: Deadline.now.nanoseconds)) }

    func endpoint(_ address: SocketAddress) -> Endpoint {
        Endpoint(address, tls: tls, serverName: name, identity: identity)
    }

    /// Says why an instance is not believed to be one; the same reason is said once until it is back.
    func report(refusal reason: String, of address: SocketAddress) {
        let isNews = shared.withLock { shared in
            if shared.refusals.count > policy.maxInstances { shared.refusals = [:] }
            return shared.refusals.updateValue(reason, forKey: address) != reason
        }
        guard isNews else { return }
        log.warning(
            "TLS peer refused",
            ["instance_address": .string(address.description), "reason": .string(reason)]
        )
    }

    /// Takes note of what others should see.
    func report(_ changes: [UpstreamState.Change], of address: SocketAddress) {
        for change in changes {
            let fields: LogFields = ["instance_address": .string(address.description)]
            switch change {
            case .opened: log.warning("circuit breaker opened", fields)
            case .halfOpened: log.info("circuit breaker lets calls through one by one", fields)
            case .closed: log.info("circuit breaker closed", fields)
            case .out: log.warning("instance is out", fields)
            case .back:
                shared.withLock { $0.refusals[address] = nil }
                log.info("instance is back", fields)
            }
        }
    }

    // MARK: Bulkhead

    @inline(__always)
    private func enter(until deadline: Deadline) async throws(MeshError) {
        let (entry, place) = shared.withLock { shared -> (Bulkhead.Entry, OneShot<Bool>?) in
            let entry = shared.state.bulkhead.enter()
            guard case .wait(let ticket) = entry else { return (entry, nil) }
            let place = OneShot<Bool>()
            shared.waiters[ticket] = place
            return (entry, place)
        }
        switch entry {
        case .enter: return
        case .refuse: throw .overloaded(retryAfter: policy.overloadRetryAfter)
        case .wait(let ticket):
            guard await place?.wait(until: deadline) == nil else { return }
            let gaveUp = shared.withLock { shared in
                shared.waiters[ticket] = nil
                return shared.state.bulkhead.abandon(ticket)
            }
            // The place came at the same moment: it goes to the next one.
            if !gaveUp { leave() }
            throw .overloaded(retryAfter: policy.overloadRetryAfter)
        }
    }

    private func leave() {
        let next = shared.withLock { shared -> OneShot<Bool>? in
            guard let ticket = shared.state.bulkhead.leave() else { return nil }
            return shared.waiters.removeValue(forKey: ticket)
        }
        next?.resolve(true)
    }

    private static func literals(_ endpoints: Endpoints) -> [SocketAddress] {
        endpoints.all.compactMap { try? SocketAddress(literal: $0.host, port: $0.port) }
    }
}
