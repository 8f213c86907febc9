internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// Keeps a provider that is slow or failing from taking the payment service with it.
///
/// A breaker stops asking while most calls fail; a bulkhead bounds the calls in flight and those that
/// wait. What either refuses was not sent, but an earlier call with the same key may have been: a
/// refusal is as unknown as a lost reply.
final class GuardedTransport: ProviderTransport {
    /// How much of the provider's weather is taken before it is left alone.
    struct Policy: Sendable {
        var breaker = CircuitBreaker.Policy()
        /// Most calls in flight.
        var limit = 128
        /// Most calls that wait for a place.
        var queue = 512
    }

    private struct State {
        var breaker: CircuitBreaker
        var bulkhead: Bulkhead
        var waiters: [Bulkhead.Ticket: OneShot<Bool>] = [:]
    }

    private let inner: any ProviderTransport
    private let state: Mutex<State>
    private let log: Logger
    private let opened: Gauge
    private let refused: Family<Counter>

    init(
        _ inner: any ProviderTransport,
        policy: Policy = Policy(),
        log: Logger,
        metrics: Metrics
    ) {
        self.inner = inner
        self.log = log
        state = Mutex(
            State(
                breaker: CircuitBreaker(policy: policy.breaker),
                bulkhead: Bulkhead(limit: policy.limit, queueLimit: policy.queue)
            )
        )
        opened = metrics.gauge(
            "payment_provider_breaker_open",
            "Whether the breaker before the payment provider is open."
        )
        refused = metrics.counters(
            "payment_provider_refused_total",
            "Calls to the payment provider that were not made.",
            labels: ["by"]
        )
    }

    func send(_ request: StripeRequest) async throws(NoResponse) -> StripeResponse {
        try await enter()
        defer { leave() }
        guard let permit = state.withLock({ $0.breaker.permit(at: Self.now) }) else {
            refused.with("breaker").increment()
            throw NoResponse(reason: "the breaker before the provider is open")
        }
        // A caller in a hurry proves nothing of the provider.
        let hadTime = Deadline.current.remaining * 2 >= HTTPTransport.tryTime
        do throws(NoResponse) {
            let response = try await inner.send(request)
            // 429 asks to be left alone as well.
            let isWell = response.status < 500 && response.status != 429
            record(isWell ? .success : .failure, permit)
            return response
        } catch {
            record(hadTime && !Task.isCancelled ? .failure : .cancelled, permit)
            throw error
        }
    }

    private static var now: Duration { .nanoseconds(Int64(clamping: Deadline.now.nanoseconds)) }

    private func record(_ outcome: CircuitBreaker.Outcome, _ permit: CircuitBreaker.Permit) {
        let change = state.withLock { $0.breaker.record(outcome, of: permit, at: Self.now) }
        switch change {
        case .open:
            opened.set(1)
            log.warning("the breaker before the payment provider opened")
        case .closed:
            opened.set(0)
            log.info("the breaker before the payment provider closed")
        case .halfOpen, nil: break
        }
    }

    // MARK: Bulkhead

    private func enter() async throws(NoResponse) {
        let place = OneShot<Bool>()
        let entry = state.withLock { state in
            let entry = state.bulkhead.enter()
            if case .wait(let ticket) = entry { state.waiters[ticket] = place }
            return entry
        }
        switch entry {
        case .enter: return
        case .refuse: throw crowded()
        case .wait(let ticket):
            let deadline = Deadline.current.or(earlier: .after(HTTPTransport.tryTime))
            guard await place.wait(until: deadline) == nil else { return }
            let gaveUp = state.withLock { state in
                state.waiters[ticket] = nil
                return state.bulkhead.abandon(ticket)
            }
            // The place came at the same moment: it goes to the next one.
            if !gaveUp { leave() }
            throw crowded()
        }
    }

    private func leave() {
        let next = state.withLock { state -> OneShot<Bool>? in
            guard let ticket = state.bulkhead.leave() else { return nil }
            return state.waiters.removeValue(forKey: ticket)
        }
        next?.resolve(true)
    }

    private func crowded() -> NoResponse {
        refused.with("bulkhead").increment()
        return NoResponse(reason: "too many calls to the provider are in flight")
    }
}
