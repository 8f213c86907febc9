import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

/// What a server under test is asked at the same time.
private final class Crowd: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    var most: Int { counts.withLock { $0.most } }
    var now: Int { counts.withLock { $0.now } }

    func enter() {
        counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
        }
    }

    func leave() { counts.withLock { $0.now -= 1 } }
}

/// The mesh's rules with real servers that count what reaches them.
@Suite struct LiveRuleTests {
    private let once = CallOptions(isIdempotent: false)
    private let idempotent = CallOptions(isIdempotent: true)

    private func outcomes(
        of service: Upstream,
        _ count: Int,
        _ options: CallOptions
    ) async -> [CallOutcome] {
        await withTaskGroup(of: CallOutcome.self) { group in
            for _ in 0..<count {
                group.addTask { await service.attempt(ClientRequest(.get, "/"), options) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test func `our own limit of connections puts nobody out and costs no retries`() async throws {
        let isHeld = Flag(true)
        let full = try Backend { request throws(Problem) in
            while request.path.description == "/held", isHeld.value {
                try? await EventLoop.sleep(for: .milliseconds(10))
            }
            return .text("full")
        }
        let free = try Backend { _ throws(Problem) in .text("free") }
        var policy = MeshPolicy()
        policy.health.interval = .milliseconds(50)
        var limits = ClientLimits()
        limits.connectionsPerEndpoint = 1
        try await onLoop { [policy, limits] () async throws in
            let client = HTTPClient(limits: limits)
            let service = try upstream([full.address], policy, client: client)
            let patient = CallOptions(
                isIdempotent: false,
                timeout: .seconds(20),
                tryTimeout: .seconds(20)
            )
            async let held = service.attempt(ClientRequest(.get, "/held"), patient)
            #expect(try await eventually { full.requests.contains { $0.target == "/held" } })
            let watching = Task(executorPreference: EventLoop.required) { await service.run() }
            // Ten probes, of which three would do.
            try await EventLoop.sleep(for: .milliseconds(600))
            #expect(service.snapshot.instances.map(\.isOut) == [false])
            let left = service.snapshot.retriesLeft
            let refused = await service.attempt(ClientRequest(.get, "/"), idempotent)
            #expect(throws: MeshError.unavailable("all connections are busy")) {
                try refused.result.get()
            }
            #expect(refused.tries == 1 && service.snapshot.retriesLeft == left)

            let both = try upstream([full.address, free.address], policy, client: client)
            for outcome in await outcomes(of: both, 1, once) + outcomes(of: both, 1, once) {
                #expect(outcome.instance == free.address && outcome.tries <= 2)
            }
            #expect(both.snapshot.retriesLeft == policy.retryBudget.minimum)
            isHeld.set(false)
            _ = await held
            watching.cancel()
            await watching.value
        }
        await full.stop()
        await free.stop()
    }

    /// - Parameter takesFaults: whether the process could be broken on purpose, as in every drill.
    @Test(arguments: [false, true])
    func `an instance that does not open a stream in time is given up for another one`(
        _ takesFaults: Bool
    ) async throws {
        let hung = try Backend { _ throws(Problem) in
            try? await EventLoop.sleep(for: .seconds(30))
            return .empty()
        }
        let good = try Backend { _ throws(Problem) in
            Response(
                .ok,
                body: .stream { writer in
                    for _ in 0..<3 {
                        try await writer.write([1])
                        try await writer.flush()
                        try? await EventLoop.sleep(for: .milliseconds(150))
                    }
                }
            )
        }
        var policy = MeshPolicy()
        policy.breaker.minimumCalls = .max
        try await onLoop { [policy] () async throws in
            let faults = takesFaults ? FaultInjector(log: .silent) : nil
            let service = try upstream([hung.address, good.address], policy, faults: faults)
            let options = CallOptions(
                isIdempotent: true,
                timeout: .seconds(600),
                tryTimeout: .seconds(600),
                headTimeout: .milliseconds(200)
            )
            let answers = await outcomes(of: service, 12, options)
            #expect(answers.contains { $0.tries == 2 }, "one in two begins with the hung one")
            for answer in answers {
                // The content takes longer than the head may.
                #expect(try await answer.result.get().body() == [1, 1, 1])
                #expect(answer.instance == good.address)
            }
        }
        await hung.stop()
        await good.stop()
    }

    @Test func `an open breaker lets nothing through, then one at a time, and closes after three`()
        async throws
    {
        let (isBroken, crowd) = (Flag(true), Crowd())
        let backend = try Backend { _ throws(Problem) in
            crowd.enter()
            defer { crowd.leave() }
            if isBroken.value { return .empty(.internalServerError) }
            try? await EventLoop.sleep(for: .milliseconds(40))
            return .empty()
        }
        var policy = MeshPolicy()
        policy.breaker.openTime = .milliseconds(400)
        try await onLoop { [policy] () async throws in
            let service = try upstream([backend.address], policy)
            for _ in 0..<20 { _ = await service.attempt(ClientRequest(.get, "/"), once) }
            #expect(service.snapshot.instances[0].breaker == "open")
            let refused = await outcomes(of: service, 100, idempotent)
            if service.snapshot.instances[0].breaker == "open" {
                #expect(refused.allSatisfy { $0.tries == 0 })
                #expect(backend.requests.count == 20, "not one while it is open")
            }
            isBroken.set(false)
            for success in 1...3 {
                #expect(
                    try await eventually { service.snapshot.instances[0].breaker == "half-open" }
                )
                let probed = await outcomes(of: service, 50, once)
                #expect(probed.count { $0.tries == 1 } == 1, "one probe at a time")
                #expect(backend.requests.count == 20 + success)
            }
            #expect(service.snapshot.instances[0].breaker == "closed")
            #expect(crowd.most == 1)
            let served = await outcomes(of: service, 50, once)
            #expect(try served.allSatisfy { try $0.result.get().status == .noContent })
        }
        await backend.stop()
    }

    @Test func `retries add no more than a fifth to what a failing service is asked`() async throws
    {
        let backends = try (0..<2).map { _ in
            try Backend { _ throws(Problem) in .empty(.serviceUnavailable) }
        }
        var policy = MeshPolicy()
        policy.breaker.minimumCalls = 1_000_000
        policy.backoff.base = .milliseconds(1)
        let calls = 600
        let answered = try await onLoop { [policy] () async throws in
            let service = try upstream(backends.map(\.address), policy)
            var answered = 0
            for _ in 0..<calls / 20 {
                answered += await outcomes(of: service, 20, idempotent).count {
                    (try? $0.result.get().status) == .serviceUnavailable
                }
            }
            return answered
        }
        let reached = backends.reduce(0) { $0 + $1.requests.count }
        #expect(answered == calls)
        #expect(reached <= calls * 12 / 10, "\(reached) requests for \(calls) calls")
        #expect(reached > calls * 11 / 10, "they are made: \(reached)")
        for backend in backends { await backend.stop() }
    }

    @Test func `with every instance dead breakers spare even the first tries`() async throws {
        let backend = try Backend { _ throws(Problem) in .dropped(.close) }
        let tries = try await onLoop { () async throws in
            let service = try upstream([backend.address])
            var tries = 0
            for _ in 0..<30 {
                tries += await outcomes(of: service, 10, idempotent).reduce(0) { $0 + $1.tries }
            }
            return tries
        }
        // A connection that ended without a word is tried once more by the client, if it was a kept one.
        #expect(tries < 60, "20 failures open it, what was under way then may end: \(tries)")
        #expect(backend.requests.count <= 2 * tries)
        await backend.stop()
    }

    @Test func `a slow service takes its own share and nobody else's`() async throws {
        let (mayAnswer, crowd) = (Flag(false), Crowd())
        let slow = try Backend { _ throws(Problem) in
            crowd.enter()
            defer { crowd.leave() }
            while !mayAnswer.value { try? await EventLoop.sleep(for: .milliseconds(5)) }
            return .empty()
        }
        let quick = try Backend { _ throws(Problem) in .empty() }
        var policy = MeshPolicy()
        policy.maxInFlight = 8
        policy.maxQueue = 4
        try await onLoop { [policy] () async throws in
            let client = HTTPClient()
            let held = try upstream([slow.address], policy, client: client)
            let free = try upstream([quick.address], policy, client: client)
            async let waiting = outcomes(of: held, 200, once)
            #expect(try await eventually { crowd.now == 8 })
            for _ in 0..<300 {
                let status = try await free.call(ClientRequest(.get, "/"), once).status
                #expect(status == .noContent)
            }
            #expect(slow.requests.count == 8, "the others wait here or were refused at once")
            #expect(held.snapshot.waiting == 4)
            mayAnswer.set(true)
            let ended = await waiting
            #expect(ended.count { $0.tries == 0 } == 188)
            #expect(ended.count { (try? $0.result.get()) != nil } == 12)
        }
        #expect(crowd.most == 8)
        await slow.stop()
        await quick.stop()
    }

    /// Where a call can be when its caller's time is up.
    enum Place: CaseIterable { case queued, connecting, answering, backingOff, reading }

    @Test(arguments: Place.allCases)
    func `a call ends with its caller's deadline, wherever it is`(_ place: Place) async throws {
        let backend = try Backend { _ throws(Problem) in
            switch place {
            case .backingOff: return .empty(.serviceUnavailable)
            case .reading:
                return Response(
                    .ok,
                    body: .stream(length: 10) { writer in
                        try await writer.write("half")
                        try await EventLoop.sleep(for: .seconds(20))
                    }
                )
            case .queued, .connecting, .answering:
                try? await EventLoop.sleep(for: .seconds(20))
                return .empty()
            }
        }
        var policy = MeshPolicy()
        policy.maxInFlight = 1
        policy.backoff.base = .seconds(3600)
        policy.backoff.cap = .seconds(3600)
        // Nobody answers at an address for documentation (RFC 5737), if it can be reached at all.
        let nowhere = try SocketAddress(literal: "192.0.2.1", port: 9)
        let address = place == .connecting ? nowhere : backend.address
        try await onLoop { [policy] () async throws in
            let service = try upstream([address], policy)
            async let first = place == .queued ? outcomes(of: service, 1, once) : []
            if place == .queued {
                #expect(try await eventually { service.snapshot.inFlight == 1 })
            }
            let deadline = Deadline.after(.milliseconds(100))
            let outcome = await Deadline.$current.withValue(deadline) {
                let outcome = await service.attempt(ClientRequest(.get, "/"), idempotent)
                if place == .reading { _ = try? await outcome.result.get().body() }
                return outcome
            }
            // Far less than the 2 s of a try: what is measured is which time counts, not how exactly.
            #expect(Deadline.now < deadline.advanced(by: .milliseconds(1500)), "\(outcome)")
            #expect(outcome.tries <= (place == .queued ? 0 : 1))
            _ = await first
        }
        await backend.stop()
    }
}
