import HTTP
import Mesh
import Reactor
import Telemetry
import Testing

@Suite struct UpstreamTests {
    private let idempotent = CallOptions(isIdempotent: true)
    private let once = CallOptions(isIdempotent: false)

    @Test func `a call carries its deadline and a child of the current span`() async throws {
        let backend = try Backend { _ throws(Problem) in .text("hello") }
        let trace = TraceContext.root()
        let body = try await onLoop {
            let service = try upstream([backend.address])
            return try await TraceContext.$current.withValue(trace) {
                try await service.call(ClientRequest(.get, "/x?y=1"), idempotent).body()
            }
        }
        #expect(String(decoding: body, as: UTF8.self) == "hello")
        let request = try #require(backend.requests.first)
        #expect(request.target == "/x?y=1")
        let left = try #require(request.headers[.requestDeadline].flatMap(Int.init))
        #expect((1500...2000).contains(left), "one try's time")
        let parent = try #require(request.headers[.traceparent].flatMap(TraceContext.init))
        #expect(parent.traceID == trace.traceID)
        #expect(parent.spanID != trace.spanID)
        await backend.stop()
    }

    @Test func `the caller's deadline is never passed`() async throws {
        let backend = try Backend { _ throws(Problem) in
            try? await EventLoop.sleep(for: .seconds(3))
            return .empty()
        }
        let (error, took) = try await onLoop {
            let service = try upstream([backend.address])
            let start = Deadline.now
            let outcome = await Deadline.$current.withValue(.after(.milliseconds(80))) {
                await service.attempt(ClientRequest(.get, "/"), idempotent)
            }
            guard case .failure(let error) = outcome.result else { return (nil as MeshError?, 0.0) }
            return (error, Double(Deadline.now.nanoseconds - start.nanoseconds) / 1e6)
        }
        #expect(error == .deadline)
        #expect((60...1000).contains(took))
        let left = try #require(backend.requests.first?.headers[.requestDeadline].flatMap(Int.init))
        #expect(left <= 80)
        await backend.stop()
    }

    @Test func `a call without a deadline has the policy's time, however long a try may take`()
        async throws
    {
        let backend = try Backend { _ throws(Problem) in .empty() }
        var policy = MeshPolicy()
        policy.callTimeout = .milliseconds(900)
        policy.tryTimeout = .seconds(10)
        try await onLoop { [policy] in
            let service = try upstream([backend.address], policy)
            #expect(try await service.call(ClientRequest(.get, "/"), once).status == .noContent)
        }
        let left = try #require(backend.requests.first?.headers[.requestDeadline].flatMap(Int.init))
        #expect(left <= 900)
        await backend.stop()
    }

    @Test func `callers in a hurry open no breaker, those with a try's time do`() async throws {
        let backend = try Backend { _ throws(Problem) in
            try? await EventLoop.sleep(for: .seconds(5))
            return .empty()
        }
        var policy = MeshPolicy()
        policy.tryTimeout = .milliseconds(200)
        policy.breaker.minimumCalls = 5
        try await onLoop { [policy] in
            let service = try upstream([backend.address], policy)
            let hurried = CallOptions(isIdempotent: false, timeout: .milliseconds(20))
            for (options, state) in [(hurried, "closed"), (once, "open")] {
                for _ in 0..<5 {
                    let outcome = await service.attempt(ClientRequest(.get, "/"), options)
                    #expect(throws: MeshError.deadline) { try outcome.result.get() }
                }
                #expect(service.snapshot.instances.map(\.breaker) == [state])
            }
        }
        await backend.stop()
    }

    @Test(arguments: [502, 503, 504])
    func `an idempotent call is tried again on another instance`(_ code: Int) async throws {
        let bad = try Backend { _ throws(Problem) in .empty(Status(code)) }
        let good = try Backend { _ throws(Problem) in .text("ok") }
        let outcomes = try await onLoop {
            let service = try upstream([bad.address, good.address])
            var outcomes: [CallOutcome] = []
            for _ in 0..<10 {
                outcomes.append(await service.attempt(ClientRequest(.get, "/"), idempotent))
            }
            return outcomes
        }
        #expect(try outcomes.allSatisfy { try $0.result.get().status == .ok })
        #expect(outcomes.allSatisfy { $0.tries <= 2 && $0.instance == good.address })
        #expect(outcomes.contains { $0.tries == 2 }, "one in two begins with the bad one")
        #expect(bad.requests.count == outcomes.count { $0.tries == 2 })
        await bad.stop()
        await good.stop()
    }

    @Test func `a policy without retries tries once, whatever the call asks for`() async throws {
        let backend = try Backend { _ throws(Problem) in throw .unavailable("away") }
        try await onLoop {
            var policy = MeshPolicy()
            policy.retriesCalls = false
            let upstream = try upstream([backend.address], policy)
            let options = CallOptions(isIdempotent: true, retries: 2)
            let outcome = await upstream.attempt(ClientRequest(.get, "/orders"), options)
            #expect(outcome.tries == 1)
        }
        #expect(backend.requests.count == 1)
        await backend.stop()
    }

    @Test func `a call that is not idempotent is never repeated once it was sent`() async throws {
        let backend = try Backend { _ throws(Problem) in .empty(.serviceUnavailable) }
        let outcome = try await onLoop {
            await (try upstream([backend.address])).attempt(ClientRequest(.post, "/"), once)
        }
        #expect(try outcome.result.get().status == .serviceUnavailable)
        #expect(outcome.tries == 1)
        #expect(backend.requests.count == 1)
        await backend.stop()
    }

    @Test func `an answer that is final is returned, retries or not`() async throws {
        let backend = try Backend { _ throws(Problem) in .empty(.internalServerError) }
        let outcome = try await onLoop {
            await (try upstream([backend.address])).attempt(ClientRequest(.get, "/"), idempotent)
        }
        #expect(try outcome.result.get().status == .internalServerError)
        #expect(outcome.tries == 1)
        await backend.stop()
    }

    @Test func `a dead instance is put out and the call goes elsewhere, idempotent or not`()
        async throws
    {
        let good = try Backend { _ throws(Problem) in .empty() }
        let dead = try deadAddress()
        let (outcomes, snapshot) = try await onLoop {
            let service = try upstream([dead, good.address])
            var outcomes: [CallOutcome] = []
            for _ in 0..<20 {
                outcomes.append(await service.attempt(ClientRequest(.post, "/"), once))
            }
            return (outcomes, service.snapshot)
        }
        #expect(try outcomes.allSatisfy { try $0.result.get().status == .noContent })
        #expect(outcomes.count { $0.tries > 1 } <= 1, "found out once")
        #expect(good.requests.count == 20)
        if outcomes.contains(where: { $0.tries > 1 }) {
            #expect(snapshot.instances.first { $0.address == "\(dead)" }?.isOut == true)
        }
        await good.stop()
    }

    @Test func `when nobody listens nothing was done`() async throws {
        let dead = [try deadAddress(), try deadAddress()]
        let outcome = try await onLoop {
            await (try upstream(dead)).attempt(ClientRequest(.put, "/"), idempotent)
        }
        guard case .failure(.unavailable) = outcome.result else {
            Issue.record("\(outcome.result)")
            return
        }
        #expect(outcome.tries == 4)
    }

    @Test func `a try that is lost after sending leaves the outcome unknown`() async throws {
        let listener = try Listener.bind(.loopback(port: 0))
        let group = try EventLoopGroup(count: 1)
        let server = Task(executorPreference: group.loops[0]) {
            let acceptor = try listener.acceptor()
            let stream = try await acceptor.accept()
            var buffer = ByteBuffer()
            _ = try await stream.read(into: &buffer, atMost: 4096, until: .never)
            stream.close()
            acceptor.close()
        }
        let outcome = try await onLoop {
            await (try upstream([listener.address])).attempt(ClientRequest(.post, "/"), once)
        }
        guard case .failure(.unknown) = outcome.result else {
            Issue.record("\(outcome.result)")
            return
        }
        #expect(outcome.tries == 1)
        _ = try await server.value
        group.shutdown()
    }

    @Test func `a slow try is given up and made elsewhere`() async throws {
        let slow = try Backend { _ throws(Problem) in
            try? await EventLoop.sleep(for: .seconds(3))
            return .empty()
        }
        let fast = try Backend { _ throws(Problem) in .empty() }
        var policy = MeshPolicy()
        policy.tryTimeout = .milliseconds(60)
        let outcomes = try await onLoop { [policy] in
            let service = try upstream([slow.address, fast.address], policy)
            var outcomes: [CallOutcome] = []
            for _ in 0..<10 {
                outcomes.append(await service.attempt(ClientRequest(.get, "/"), idempotent))
            }
            return outcomes
        }
        #expect(try outcomes.allSatisfy { try $0.result.get().status == .noContent })
        #expect(outcomes.contains { $0.tries == 2 })
        await slow.stop()
        await fast.stop()
    }

    @Test func `an open breaker lets nothing through`() async throws {
        let backend = try Backend { _ throws(Problem) in .empty(.internalServerError) }
        let (last, snapshot) = try await onLoop {
            let service = try upstream([backend.address])
            for _ in 0..<20 { _ = await service.attempt(ClientRequest(.get, "/"), once) }
            let last = await service.attempt(ClientRequest(.get, "/"), once)
            return (last, service.snapshot)
        }
        guard case .failure(.unavailable) = last.result else {
            Issue.record("\(last.result)")
            return
        }
        #expect(last.tries == 0)
        #expect(backend.requests.count == 20)
        #expect(snapshot.instances.first?.breaker == "open")
        await backend.stop()
    }

    @Test func `after a 503 that nobody else makes good the outcome is unknown`() async throws {
        let backend = try Backend { _ throws(Problem) in .empty(.serviceUnavailable) }
        var policy = MeshPolicy()
        policy.breaker.minimumCalls = 1
        let outcome = try await onLoop { [policy] in
            await (try upstream([backend.address], policy)).attempt(
                ClientRequest(.put, "/"),
                idempotent
            )
        }
        guard case .failure(.unknown) = outcome.result else {
            Issue.record("\(outcome.result)")
            return
        }
        #expect(outcome.tries == 1)
        await backend.stop()
    }

    @Test func `retries stay within the budget`() async throws {
        let backend = try Backend { _ throws(Problem) in .empty(.serviceUnavailable) }
        var policy = MeshPolicy()
        policy.breaker.minimumCalls = 1_000_000
        policy.backoff.base = .milliseconds(1)
        let retries = try await onLoop { [policy] in
            let service = try upstream([backend.address], policy)
            var retries = 0
            for _ in 0..<50 {
                retries += await service.attempt(ClientRequest(.get, "/"), idempotent).tries - 1
            }
            return retries
        }
        #expect(retries == 10, "ten, which is a fifth of fifty as well")
        await backend.stop()
    }

    @Test func `beyond the bulkhead calls wait, and beyond its queue they are refused`()
        async throws
    {
        let backend = try Backend { _ throws(Problem) in
            try? await EventLoop.sleep(for: .milliseconds(100))
            return .empty()
        }
        var policy = MeshPolicy()
        policy.maxInFlight = 1
        policy.maxQueue = 2
        let outcomes = try await onLoop { [policy] in
            let service = try upstream([backend.address], policy)
            return await withTaskGroup(of: CallOutcome.self) { group in
                for _ in 0..<5 {
                    group.addTask { await service.attempt(ClientRequest(.get, "/"), once) }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        let refused = outcomes.count {
            if case .failure(.overloaded(.seconds(1))) = $0.result { true } else { false }
        }
        #expect(refused == 2)
        #expect(outcomes.count { (try? $0.result.get()) != nil } == 3)
        #expect(backend.requests.count == 3)
        await backend.stop()
    }

    @Test func `who gives up waiting leaves the bulkhead in order`() async throws {
        let backend = try Backend { _ throws(Problem) in
            try? await EventLoop.sleep(for: .milliseconds(150))
            return .empty()
        }
        var policy = MeshPolicy()
        policy.maxInFlight = 1
        let (second, third, snapshot) = try await onLoop { [policy] in
            let service = try upstream([backend.address], policy)
            async let first = service.attempt(ClientRequest(.get, "/"), once)
            try await EventLoop.sleep(for: .milliseconds(20))
            let hurried = CallOptions(isIdempotent: false, timeout: .milliseconds(30))
            let second = await service.attempt(ClientRequest(.get, "/"), hurried)
            _ = await first
            let third = await service.attempt(ClientRequest(.get, "/"), once)
            return (second, third, service.snapshot)
        }
        guard case .failure(.overloaded) = second.result else {
            Issue.record("\(second.result)")
            return
        }
        #expect(try third.result.get().status == .noContent)
        #expect(snapshot.inFlight == 0 && snapshot.waiting == 0)
        await backend.stop()
    }

    @Test func `an instance that is not ready goes out and comes back`() async throws {
        let isReady = Flag(false)
        let backend = try Backend { _ throws(Problem) in
            .empty(isReady.value ? .noContent : .serviceUnavailable)
        }
        var policy = MeshPolicy()
        policy.health.interval = .milliseconds(20)
        policy.health.intervalWhenOut = .milliseconds(20)
        let (wentOut, cameBack) = try await onLoop { [policy] in
            let service = try upstream([backend.address], policy)
            let watch = Task(executorPreference: EventLoop.required) { await service.run() }
            let wentOut = try await eventually { service.snapshot.instances[0].isOut }
            isReady.set(true)
            let cameBack = try await eventually { !service.snapshot.instances[0].isOut }
            watch.cancel()
            await watch.value
            return (wentOut, cameBack)
        }
        #expect(wentOut)
        #expect(cameBack)
        #expect(backend.requests.isEmpty)
        await backend.stop()
    }

    @Test func `a name is resolved when the first call needs it`() async throws {
        let backend = try Backend { _ throws(Problem) in .empty() }
        let port = backend.address.port
        let status = try await onLoop {
            let service = Upstream(
                name: "order",
                endpoints: try Endpoints("localhost:\(port)"),
                client: HTTPClient(),
                tls: nil,
                log: .silent,
                metrics: Metrics()
            )
            return try await service.call(ClientRequest(.get, "/"), idempotent).status
        }
        #expect(status == .noContent)
        await backend.stop()
    }

    @Test func `metrics tell calls by outcome and each instance's state`() async throws {
        let backend = try Backend { _ throws(Problem) in .empty() }
        let metrics = Metrics()
        let text = try await onLoop {
            let service = try upstream([backend.address], metrics: metrics)
            _ = await service.attempt(ClientRequest(.get, "/"), idempotent)
            return metrics.render()
        }
        #expect(text.contains(#"mesh_calls_total{upstream="order",outcome="answered"} 1"#))
        let labels = #"{upstream="order",instance="\#(backend.address)"}"#
        #expect(text.contains("mesh_instance_tries_total\(labels) 1"))
        #expect(text.contains("mesh_instance_breaker\(labels) 0"))
        #expect(text.contains("mesh_instance_in_flight\(labels) 0"))
        await backend.stop()
    }
}
