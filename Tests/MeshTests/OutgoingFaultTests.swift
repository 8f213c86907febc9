import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

/// Faults on the way to another service, over real connections: what the caller learns, and what the
/// service saw.
@Suite struct OutgoingFaultTests {
    private struct Seen {
        let outcome: CallOutcome
        let content: [UInt8]?
        let requests: [Request]
        let took: Duration
    }

    /// Calls `PUT /payments/7` of a service once, without retries, under some rules.
    private func call(_ rules: JSONValue, timeout: Duration = .seconds(5)) async throws -> Seen {
        let faults = FaultInjector(log: .silent)
        try faults.replace(with: ["rules": rules])
        let backend = try Backend { request throws(Problem) in
            .bytes(try await request.body(), type: "text/plain")
        }
        let started = ContinuousClock.now
        let (outcome, content) = try await onLoop {
            var policy = MeshPolicy()
            policy.retries = 0
            let service = Upstream(
                name: "payment",
                endpoints: try Endpoints(backend.address.description),
                client: HTTPClient(),
                tls: nil,
                policy: policy,
                faults: faults,
                log: .silent,
                metrics: Metrics()
            )
            let request = ClientRequest(
                .put,
                "/payments/7?x=1",
                body: .bytes([UInt8](repeating: 1, count: 300))
            )
            let outcome = await service.attempt(
                request,
                .init(isIdempotent: true, timeout: timeout, tryTimeout: timeout)
            )
            let content = try? await outcome.result.get().body()
            return (outcome, content)
        }
        let took = ContinuousClock.now - started
        let requests = backend.requests
        await backend.stop()
        return Seen(outcome: outcome, content: content, requests: requests, took: took)
    }

    private static func rule(_ members: JSONValue) -> JSONValue {
        guard case .object(var all) = members else { return members }
        all["side"] = "outgoing"
        return [.object(all)]
    }

    @Test func `a rule for somebody else changes nothing`() async throws {
        let rules: JSONValue = [
            ["side": "outgoing", "upstream": "order", "reset": true], ["reset": true],
            ["side": "outgoing", "route": "/refunds/{id}", "reset": true],
        ]
        let seen = try await call(rules)
        #expect(try seen.outcome.result.get().status == .ok && seen.content?.count == 300)
        #expect(seen.requests.count == 1)
    }

    @Test(arguments: ["reset", "drop_request"])
    func `a request that is lost is unknown to its caller, and never seen`(action: String)
        async throws
    {
        let seen = try await call(
            Self.rule(["upstream": "payment", "route": "PUT /payments/{id}", .init(action): true])
        )
        guard case .failure(.unknown) = seen.outcome.result else {
            Issue.record("\(seen.outcome.result)")
            return
        }
        #expect(seen.requests.isEmpty)
    }

    @Test func `a reply that is lost is unknown to its caller, and the work was done`() async throws
    {
        let seen = try await call(Self.rule(["drop_reply": true]))
        guard case .failure(.unknown) = seen.outcome.result else {
            Issue.record("\(seen.outcome.result)")
            return
        }
        #expect(seen.requests.count == 1)
    }

    @Test func `a duplicate is seen twice and answered once`() async throws {
        let seen = try await call(Self.rule(["duplicate": true]))
        #expect(try seen.outcome.result.get().status == .ok && seen.content?.count == 300)
        #expect(seen.requests.map(\.path.description) == ["/payments/7", "/payments/7"])
    }

    @Test func `an error is answered in the service's place`() async throws {
        let seen = try await call(Self.rule(["error": 503]))
        #expect(try seen.outcome.result.get().status == .serviceUnavailable)
        #expect(seen.requests.isEmpty)
    }

    @Test func `a wait delays the request, and one beyond the deadline ends it unsent`()
        async throws
    {
        let late = try await call(Self.rule(["latency_ms": 150]))
        #expect(late.took >= .milliseconds(150) && late.content?.count == 300)
        let never = try await call(Self.rule(["latency_ms": 5000]), timeout: .milliseconds(100))
        #expect(never.took < .seconds(4) && never.requests.isEmpty)
        guard case .failure(.deadline) = never.outcome.result else {
            Issue.record("\(never.outcome.result)")
            return
        }
    }

    @Test func `a slow content comes at its pace, or not before the deadline`() async throws {
        let slow = try await call(Self.rule(["slow_body": 2000]))
        #expect(slow.took >= .milliseconds(150) && slow.content?.count == 300)
        let never = try await call(Self.rule(["slow_body": 10]), timeout: .milliseconds(200))
        #expect(never.content == nil && never.took < .seconds(4))
    }

    @Test func `a lost reply is asked for again where that is safe`() async throws {
        let faults = FaultInjector(log: .silent)
        try faults.add(["name": "once", "side": "outgoing", "drop_reply": true, "count": 1])
        let backend = try Backend { _ throws(Problem) in .text("ok") }
        let outcome = try await onLoop {
            let service = Upstream(
                name: "payment",
                endpoints: try Endpoints(backend.address.description),
                client: HTTPClient(),
                tls: nil,
                faults: faults,
                log: .silent,
                metrics: Metrics()
            )
            return await service.attempt(ClientRequest(.put, "/"), .init(isIdempotent: true))
        }
        #expect(try outcome.result.get().status == .ok && outcome.tries == 2)
        #expect(backend.requests.count == 2)
        #expect(faults.document["rules"]?.array?.first?["fired"] == 1)
        await backend.stop()
    }
}
