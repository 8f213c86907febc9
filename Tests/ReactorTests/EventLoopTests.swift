import Glibc
import Synchronization
import Testing

@testable import Reactor

/// Runs a body on a fresh loop.
func onLoop<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let loop = try EventLoop()
    defer { loop.stop() }
    return try await Task(executorPreference: loop) { try await body() }.value
}

/// A connected pair on the current loop.
func connectedPair() async throws -> (client: Stream, server: Stream) {
    let listener = try Listener.bind(.loopback(port: 0))
    let acceptor = try listener.acceptor()
    defer { acceptor.close() }
    async let accepted = acceptor.accept()
    let client = try await Stream.connect(to: listener.address, until: .after(.seconds(2)))
    return (client, try await accepted)
}

@Suite struct EventLoopTests {
    @Test func `a task that prefers the loop runs there before and after a wait`() async throws {
        try await onLoop {
            let loop = EventLoop.required
            try await EventLoop.sleep(for: .milliseconds(2))
            #expect(EventLoop.current === loop)
            async let child = EventLoop.current
            #expect(await child === loop)
        }
    }

    @Test func `work from other threads wakes a sleeping loop`() async throws {
        let loop = try EventLoop()
        defer { loop.stop() }
        let count = Atomic<Int>(0)
        await confirmation(expectedCount: 1) { confirmed in
            for _ in 0..<1000 {
                loop.execute { count.add(1, ordering: .relaxed) }
            }
            await withCheckedContinuation { continuation in
                loop.execute { continuation.resume() }
            }
            #expect(count.load(ordering: .relaxed) == 1000)
            confirmed()
        }
    }

    @Test func `a sleep lasts at least as long as asked`() async throws {
        try await onLoop {
            let start = Deadline.now
            try await EventLoop.sleep(for: .milliseconds(20))
            #expect(Deadline.now >= start.advanced(by: .milliseconds(20)))
        }
    }

    @Test func `cancelling ends a sleep at once`() async throws {
        let loop = try EventLoop()
        defer { loop.stop() }
        let task = Task(executorPreference: loop) { () -> SocketError? in
            do throws(SocketError) {
                try await EventLoop.sleep(for: .seconds(600))
                return nil
            } catch {
                return error
            }
        }
        try await Task.sleep(for: .milliseconds(10))
        task.cancel()
        #expect(await task.value == .cancelled)
    }

    @Test func `a task that was cancelled before it slept does not sleep`() async throws {
        let loop = try EventLoop()
        defer { loop.stop() }
        let task = Task(executorPreference: loop) { () -> Bool in
            while !Task.isCancelled { await Task.yield() }
            do throws(SocketError) {
                try await EventLoop.sleep(for: .seconds(600))
                return false
            } catch { return true }
        }
        task.cancel()
        #expect(await task.value)
    }

    @Test func `runBlocking returns the value and rethrows the error`() throws {
        let group = try EventLoopGroup(count: 2)
        defer { group.shutdown() }
        #expect(try group.runBlocking { 7 } == 7)
        #expect(throws: SocketError.closed) { try group.runBlocking { throw SocketError.closed } }
        #expect(group.next() !== group.next())
    }

    @Test func `the blocking pool refuses what its queue cannot hold and runs the rest`()
        async throws
    {
        let pool = BlockingPool(name: "test", maxThreads: 1, maxQueued: 2)
        let gate = Handoff<Int>()
        let results = try await onLoop {
            await withTaskGroup(of: Int?.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try? await pool.run { number == 0 ? gate.take() : number }
                    }
                    try? await EventLoop.sleep(for: .milliseconds(10))
                }
                gate.put(100)
                var results: [Int?] = []
                for await result in group { results.append(result) }
                return results
            }
        }
        #expect(results.compactMap(\.self).sorted() == [1, 2, 100])
        #expect(results.filter { $0 == nil }.count == 5)
    }
}

@Suite struct `What no answer waits for is done last` {
    @Test func `after the turn's jobs, once, and before the loop sleeps`() async throws {
        try await onLoop {
            let order = Mutex<[Int]>([])
            let done = OneShot<Bool>()
            EventLoop.required.afterTurn {
                order.withLock { $0.append(2) }
                done.resolve(true)
            }
            order.withLock { $0.append(1) }
            #expect(await done.wait(until: .after(.seconds(5))) == true)
            await Task.yield()
            #expect(order.withLock { $0 } == [1, 2])
        }
    }
}

@Suite struct LookUpTests {
    /// Holds whoever waits at it until it is opened, or for ten seconds.
    private final class Gate: Sendable {
        let isOpen = Atomic(false)

        func pass() {
            for _ in 0..<10_000 where !isOpen.load(ordering: .acquiring) { usleep(1000) }
        }
    }

    @Test func `a name is looked up while all threads for other work are busy`() async throws {
        let gate = Gate()
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { try await BlockingPool.shared.run { gate.pass() } }
            }
            // Short for 127.0.0.1, which no literal is and no name server is asked for.
            let found = try? await onLoop {
                try await SocketAddress.resolve(
                    host: "127.1",
                    port: 80,
                    until: .after(.seconds(5))
                )
            }
            gate.isOpen.store(true, ordering: .releasing)
            #expect(found == [.loopback(port: 80)])
            try await group.waitForAll()
        }
    }
}
