import Contracts
import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import PaymentService

/// What stands between the payment service and a provider that is slow or failing.
@Suite(.timeLimit(.minutes(1))) struct PaymentGuardTests {
    static let request = StripeRequest(path: "/v1/payment_intents", key: "k", form: Form())

    @Test(arguments: [500, 429])
    func `after many failures nothing is sent any more`(status: Int) async throws {
        let provider = ScriptedProvider { _ throws(NoResponse) in
            StripeResponse(status: status, body: [])
        }
        let guarded = GuardedTransport(provider, log: .silent, metrics: Metrics())
        for _ in 0..<20 { #expect(try await guarded.send(Self.request).status == status) }
        for _ in 0..<5 {
            await #expect(throws: NoResponse.self) { try await guarded.send(Self.request) }
        }
        #expect(provider.count == 20)
    }

    @Test func `lost replies open the breaker and declined cards do not`() async throws {
        let declining = ScriptedProvider { _ throws(NoResponse) in
            StripeResponse(status: 402, body: [])
        }
        let open = GuardedTransport(declining, log: .silent, metrics: Metrics())
        for _ in 0..<60 { _ = try await open.send(Self.request) }
        #expect(declining.count == 60)
        let silent = ScriptedProvider { _ throws(NoResponse) in throw NoResponse(reason: "lost") }
        let guarded = GuardedTransport(silent, log: .silent, metrics: Metrics())
        for _ in 0..<30 { _ = try? await guarded.send(Self.request) }
        #expect(silent.count == 20)
    }

    @Test func `a caller without time proves nothing of the provider`() async throws {
        let silent = ScriptedProvider { _ throws(NoResponse) in throw NoResponse(reason: "late") }
        let guarded = GuardedTransport(silent, log: .silent, metrics: Metrics())
        await Deadline.$current.withValue(.after(.milliseconds(500))) {
            for _ in 0..<30 { _ = try? await guarded.send(Self.request) }
        }
        #expect(silent.count == 30)
    }

    @Test func `the breaker tries again and closes`() async throws {
        let provider = ScriptedProvider { number throws(NoResponse) in
            StripeResponse(status: number <= 20 ? 500 : 200, body: [])
        }
        var policy = GuardedTransport.Policy()
        policy.breaker.openTime = .zero
        let guarded = GuardedTransport(provider, policy: policy, log: .silent, metrics: Metrics())
        for _ in 0..<20 { _ = try await guarded.send(Self.request) }
        for _ in 0..<10 { #expect(try await guarded.send(Self.request).status == 200) }
    }

    @Test func `no more calls are in flight than there are places, and few wait`() async throws {
        let group = try EventLoopGroup(count: 1)
        await Task(executorPreference: group.loops[0]) {
            let gate = OneShot<Bool>()
            let busy = Mutex((now: 0, most: 0))
            let provider = ScriptedProvider { _ throws(NoResponse) in
                busy.withLock {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                }
                _ = await gate.wait(until: .after(.seconds(20)))
                busy.withLock { $0.now -= 1 }
                return StripeResponse(status: 200, body: [])
            }
            var policy = GuardedTransport.Policy()
            policy.limit = 2
            policy.queue = 3
            let guarded = GuardedTransport(
                provider,
                policy: policy,
                log: .silent,
                metrics: Metrics()
            )
            await withTaskGroup(of: Bool.self) { calls in
                for _ in 0..<9 {
                    calls.addTask { (try? await guarded.send(Self.request)) != nil }
                }
                // Four find neither a place nor a seat.
                for _ in 0..<4 { #expect(await calls.next() == false) }
                gate.resolve(true)
                for _ in 0..<5 { #expect(await calls.next() == true) }
            }
            #expect(busy.withLock { $0.most } == 2)
            #expect(provider.count == 5)
        }.value
        group.shutdown()
    }

    @Test func `what the breaker refuses is unknown to the caller, who is told when to ask again`()
        async throws
    {
        try await PaymentWorld.with(faults: Faults(refused: 100)) { world in
            let guarded = GuardedTransport(world.line, log: .silent, metrics: Metrics())
            let settlement = Settlement(
                store: world.settlement.store,
                provider: StripeClient(transport: guarded)
            )
            for _ in 0..<20 {
                #expect(try await settlement.charge(.next(), world.request()).outcome == .unknown)
            }
            let sent = world.line.log.count
            world.line.set(.none)
            let order = OrderID.next()
            var router = Router()
            PaymentRoutes(settlement: settlement, outcomes: OutcomeCounters(Metrics()))
                .register(&router)
            let request = Request(
                .put,
                "/payments/\(order)",
                headers: [.contentType: "application/json"],
                body: try JSON.encode(world.request()),
                peerIdentity: "spiffe://anyway/order"
            )
            let answer = try await PaymentAnswer(router, request)
            #expect(answer.status == 503 && answer.retryAfter == "1")
            #expect(world.line.log.count == sent)
            #expect(try await world.status(order) == .processing)
        }
    }
}

/// A provider that answers from a closure, which is told the number of the call.
private final class ScriptedProvider: ProviderTransport {
    private let calls = Atomic<Int>(0)
    private let answer: @Sendable (Int) async throws(NoResponse) -> StripeResponse

    var count: Int { calls.load(ordering: .relaxed) }

    init(_ answer: @escaping @Sendable (Int) async throws(NoResponse) -> StripeResponse) {
        self.answer = answer
    }

    func send(_ request: StripeRequest) async throws(NoResponse) -> StripeResponse {
        try await answer(calls.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}
