import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

/// DNS as a test plays it.
private final class Names: Sendable {
    private let addresses: Mutex<[SocketAddress]>

    init(_ addresses: [SocketAddress]) { self.addresses = Mutex(addresses) }

    func set(_ new: [SocketAddress]) { addresses.withLock { $0 = new } }

    var resolver: Upstream.Resolver {
        { host, _, _ async throws(SocketError) in
            let found = self.addresses.withLock { $0 }
            guard !found.isEmpty else { throw .unresolved(host) }
            return found
        }
    }
}

@Suite struct DiscoveryTests {
    private let idempotent = CallOptions(isIdempotent: true)

    private func upstream(
        _ resolver: @escaping Upstream.Resolver,
        _ change: (inout MeshPolicy) -> Void = { _ in }
    ) throws -> Upstream {
        var policy = MeshPolicy()
        policy.resolveInterval = .milliseconds(10)
        policy.slowStart.window = .zero
        change(&policy)
        return Upstream(
            name: "order",
            endpoints: try Endpoints("order.test:80"),
            client: HTTPClient(),
            tls: nil,
            policy: policy,
            resolver: resolver,
            log: .silent,
            metrics: Metrics()
        )
    }

    @Test func `instances join and leave under load without a failed call`() async throws {
        let backends = try (0..<3).map { _ in try Backend { _ throws(Problem) in .empty() } }
        let names = Names([backends[0].address, backends[1].address])
        let upstream = try upstream(names.resolver)
        let failures = try await onLoop { () async throws in
            let watch = Task(executorPreference: EventLoop.required) { await upstream.run() }
            let isDone = Flag(false)
            async let load = withTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var failures = 0
                        while !isDone.value {
                            let once = CallOptions(isIdempotent: false)
                            let outcome = await upstream.attempt(ClientRequest(.post, "/"), once)
                            if (try? outcome.result.get().status) != .noContent { failures += 1 }
                        }
                        return failures
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(try await eventually { backends[1].requests.count > 20 })
            #expect(backends[2].requests.isEmpty)
            names.set(backends[1...].map(\.address))
            #expect(try await eventually { backends[2].requests.count > 20 })
            #expect(
                try await eventually {
                    upstream.snapshot.instances.map(\.address).sorted()
                        == backends[1...].map(\.address.description).sorted()
                }
            )
            // What was in flight to the one that left has its answer; then it may stop.
            let before = backends[1].requests.count
            #expect(try await eventually { backends[1].requests.count > before + 20 })
            let last = backends[0].requests.count
            await backends[0].stop()
            #expect(try await eventually { backends[1].requests.count > before + 100 })
            #expect(backends[0].requests.count == last)
            isDone.set(true)
            let failures = await load
            watch.cancel()
            await watch.value
            return failures
        }
        #expect(failures == 0)
        for backend in backends[1...] { await backend.stop() }
    }

    @Test func `when DNS is broken the instances that are known stay`() async throws {
        let backend = try Backend { _ throws(Problem) in .empty() }
        let names = Names([backend.address])
        let upstream = try upstream(names.resolver)
        let statuses = try await onLoop { () async throws in
            let watch = Task(executorPreference: EventLoop.required) { await upstream.run() }
            #expect(try await eventually { upstream.snapshot.instances.count == 1 })
            names.set([])
            try await EventLoop.sleep(for: .milliseconds(60))
            let status = try await upstream.call(ClientRequest(.get, "/"), idempotent).status
            watch.cancel()
            await watch.value
            return [status]
        }
        #expect(statuses == [.noContent])
        await backend.stop()
    }

    @Test func `a look-up that hangs does not hold a call beyond its deadline`() async throws {
        let upstream = try upstream({ host, _, deadline async throws(SocketError) in
            try await EventLoop.sleep(until: deadline)
            throw .timedOut
        })
        let (error, isLate) = try await onLoop { () async throws in
            let deadline = Deadline.after(.milliseconds(60))
            let outcome = await Deadline.$current.withValue(deadline) {
                await upstream.attempt(ClientRequest(.get, "/"), idempotent)
            }
            guard case .failure(let error) = outcome.result else {
                return (nil as MeshError?, true)
            }
            return (error, Deadline.now > deadline.advanced(by: .seconds(3)))
        }
        #expect(error == .unavailable("no instance takes calls"))
        #expect(!isLate)
    }

    @Test func `one name of two that cannot be looked up keeps its instances`() async throws {
        let found = try ["127.0.0.1", "127.0.0.2"].map {
            try SocketAddress(literal: $0, port: 80)
        }
        let isBroken = Flag(false)
        let lookUps = Mutex(0)
        var policy = MeshPolicy()
        policy.resolveInterval = .milliseconds(10)
        policy.healthPath = nil
        let upstream = Upstream(
            name: "order",
            endpoints: try Endpoints("a.test:80,b.test:80"),
            client: HTTPClient(),
            tls: nil,
            policy: policy,
            resolver: { host, _, _ async throws(SocketError) in
                if host == "a.test" { return [found[0]] }
                lookUps.withLock { $0 += 1 }
                if isBroken.value { throw .unresolved(host) }
                return [found[1]]
            },
            log: .silent,
            metrics: Metrics()
        )
        try await onLoop { () async throws in
            let watch = Task(executorPreference: EventLoop.required) { await upstream.run() }
            #expect(try await eventually { upstream.snapshot.instances.count == 2 })
            isBroken.set(true)
            let before = lookUps.withLock { $0 }
            #expect(try await eventually { lookUps.withLock { $0 } > before + 3 })
            #expect(upstream.snapshot.instances.count == 2, "DNS may be what is broken")
            watch.cancel()
            await watch.value
        }
    }

    @Test func `a name that is looked up in time or not at all`() async throws {
        let pool = BlockingPool(name: "test", maxThreads: 1, maxQueued: 4)
        let gate = Flag(false)
        let errors = try await onLoop { () async throws in
            var errors: [SocketError] = []
            do throws(SocketError) {
                _ = try await pool.run(until: .after(.milliseconds(30))) {
                    while !gate.value {}
                    return 1
                }
            } catch { errors.append(error) }
            gate.set(true)
            do throws(SocketError) {
                #expect(try await pool.run(until: .after(.seconds(5))) { 2 } == 2)
            } catch { errors.append(error) }
            return errors
        }
        #expect(errors == [.timedOut])
    }
}
