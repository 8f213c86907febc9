import HTTP
import Mesh
import Reactor
import Synchronization
import Testing

@testable import Gateway

/// An order's route before two instances, one of which accepts and never answers.
@Suite struct TryTimeTests {
    private struct World {
        let hung: HostileUpstream
        let bench: GatewayBench
        let headers: Headers

        init() throws {
            hung = try HostileUpstream("", .waits)
            var policy = MeshPolicy()
            // Only the time of a try is to help.
            policy.breaker.minimumCalls = .max
            bench = try GatewayBench(beside: hung.address, policy: policy) { _ throws(Problem) in
                .text("placed", status: .created)
            } plan: { plan in
                for index in plan.routes.indices
                where plan.routes[index].templates == ["/orders"]
                    && plan.routes[index].tryTimeout != nil
                {
                    // As in the file, in a fraction of the time.
                    plan.routes[index].timeout = .milliseconds(4000)
                    plan.routes[index].tryTimeout = .milliseconds(300)
                }
            }
            headers = ["authorization": try bench.token(), "content-type": "application/json"]
        }

        /// Checks out with keys of their own until the hung instance was asked; the answers.
        func checkOut(withKey: Bool) async -> [Int] {
            var statuses: [Int] = []
            // One in two begins with it.
            for number in 0..<40 where hung.connections == 0 {
                var headers = headers
                if withKey { headers["idempotency-key"] = "k-\(number)" }
                let body = [UInt8]("{}".utf8)
                statuses.append(await bench.ask(.post, "/orders", headers, body: body).status.code)
            }
            return statuses
        }

        func stop() async {
            await hung.stop()
            await bench.service.stop()
        }
    }

    @Test func `a checkout at an instance that hangs is made at another, under the same key`()
        async throws
    {
        let world = try World()
        let statuses = try await onLoop { await world.checkOut(withKey: true) }
        #expect(!statuses.isEmpty && statuses.allSatisfy { $0 == 201 }, "\(statuses)")
        let last = "k-\(statuses.count - 1)"
        #expect(world.hung.requests.first?.contains("\(last)\r\n") == true)
        let keys = world.bench.requests.map { $0.headers[.idempotencyKey] ?? "" }
        #expect(keys == statuses.indices.map { "k-\($0)" })
        await world.stop()
    }

    @Test func `a checkout without a key is given up and made nowhere else`() async throws {
        let world = try World()
        let statuses = try await onLoop { await world.checkOut(withKey: false) }
        #expect(statuses.last == 504)
        #expect(world.bench.requests.count == statuses.count - 1)
        #expect(world.hung.connections == 1)
        await world.stop()
    }
}
