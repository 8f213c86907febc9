import HTTP
import Mesh
import Reactor
import Synchronization
import Testing

@testable import Gateway

/// How long an instance may take to open an event stream, and what open ones leave of it.
@Suite struct EventStreamTests {
    private static var policy: MeshPolicy {
        var policy = MeshPolicy()
        policy.tryTimeout = .milliseconds(300)
        // Its health is to be found out by nothing but the streams themselves.
        policy.breaker.minimumCalls = .max
        return policy
    }

    @Test func `an instance that opens no stream is found out within a try's time, not a stream's`()
        async throws
    {
        let hung = try HostileUpstream("", .waits)
        let bench = try GatewayBench(beside: hung.address, policy: Self.policy) {
            _ throws(Problem) in
            .events { _ in
                // Later than the head had to come.
                try await EventLoop.sleep(for: .milliseconds(600))
                return [ServerSentEvent("x")]
            }
        } plan: { plan in
            for index in plan.routes.indices
            where plan.routes[index].types == ["text/event-stream"] {
                // Nobody waits for the ten minutes of the file when the rule is broken.
                plan.routes[index].timeout = .seconds(5)
            }
        }
        let handler = bench.handler
        let front = try TestServer { request throws(Problem) in try await handler(request) }
        let token = try bench.token()
        try await onLoop {
            let ask = ClientRequest(
                .get,
                "/notifications/stream",
                headers: ["authorization": token]
            )
            // One in two begins with the one that hangs.
            for _ in 0..<40 where hung.connections == 0 {
                let stream = try await HTTPClient().send(
                    ask,
                    to: Endpoint(front.address),
                    until: .after(.seconds(20))
                )
                #expect(stream.status == .ok)
                #expect(try await stream.bodyStream.next() != nil, "it outlives its head's time")
            }
            #expect(hung.connections > 0)
        }
        await front.stop()
        await hung.stop()
        await bench.service.stop()
    }

    @Test func `what is no stream has its route's time for each try`() async throws {
        let bench = try GatewayBench(policy: Self.policy) { _ throws(Problem) in
            try? await EventLoop.sleep(for: .milliseconds(900))
            return .text("late")
        } plan: { plan in
            var slow = Route([.get], "/slow", to: "product")
            slow.timeout = .seconds(5)
            plan.routes = [slow]
        }
        let answer = try await onLoop { await bench.ask(.get, "/slow") }
        #expect(answer.status == .ok)
        #expect(bench.requests.count == 1)
        await bench.service.stop()
    }

    @Test func `streams leave room for as many calls as go in at once`() async throws {
        let calls = 2
        let arrived = Mutex(0)
        var policy = MeshPolicy()
        policy.maxInFlight = calls
        let bench = try GatewayBench(streams: 3, policy: policy) { request throws(Problem) in
            guard request.path.description == "/orders" else {
                return .events { _ in
                    try await EventLoop.sleep(for: .seconds(60))
                    return []
                }
            }
            // All of them at the same time, each on a connection of its own.
            arrived.withLock { $0 += 1 }
            let end = Deadline.after(.seconds(1))
            while arrived.withLock({ $0 }) < calls, !end.hasPassed {
                try? await EventLoop.sleep(for: .milliseconds(5))
            }
            return .text("ok")
        }
        let headers: Headers = ["authorization": try bench.token()]
        let (streams, answers) = try await onLoop {
            // An answer holds its connection for as long as its content is to come.
            var streams: [Response] = []
            for _ in 0..<3 {
                streams.append(await bench.ask(.get, "/notifications/stream", headers))
            }
            async let first = bench.ask(.get, "/orders", headers)
            async let second = bench.ask(.get, "/orders", headers)
            let answers = [await first.status.code, await second.status.code]
            return (streams.map(\.status.code), answers)
        }
        #expect(streams == [200, 200, 200])
        #expect(answers == [200, 200])
        #expect(arrived.withLock { $0 } == calls)
        await bench.service.stop()
    }
}
