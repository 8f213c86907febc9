import Contracts
import HTTP
import Postgres
import Reactor
import Testing

@testable import OrderService
@testable import Sagas

@Suite struct OrderCancelTests {
    private static let announced = ["order.cancelled 3"]

    @Test func `a confirmed order is refunded, restocked and announced once, however often asked`()
        async throws
    {
        try await CancelWorld.with { world in
            let replica = try world.replica("order.1")
            let id = try await world.order(.confirmed)
            try await world.running([replica]) { () async throws in
                let first = try await replica.cancel(id)
                #expect(first.status == 200)
                #expect(first.headers[.location] == "/orders/\(id)")
                #expect(first.json["status"] == "cancelled" && first.json["id"]?.string == "\(id)")
                let again = try await replica.cancel(id)
                #expect(again.status == 200 && again.bytes == first.bytes)
                #expect(again.headers[.location] == "/orders/\(id)")
            }
            #expect(world.participants.undone(id) == [1, 1])
            #expect(try await world.events(id) == Self.announced)
            let log = try await world.database.all(FindSagaLog(id: id.uuid)).flatMap(\.self)
            #expect(
                log.map(\.step) == ["cancel order", "refund payment", "restock", "finished"]
            )
            #expect(log.first?.detail == "customer")
        }
    }

    @Test func `many cancellations on two replicas are one`() async throws {
        try await CancelWorld.with { world in
            let replicas = [try world.replica("order.1"), try world.replica("order.2")]
            let ids = try await [
                world.order(.confirmed), world.order(.confirmed), world.order(.confirmed),
            ]
            try await world.running(replicas) { () async throws in
                try await withThrowingTaskGroup(of: OrderReplica.Answer.self) { group in
                    for turn in 0..<48 {
                        group.addTask { try await replicas[turn % 2].cancel(ids[turn / 2 % 3]) }
                    }
                    for try await answer in group {
                        #expect(answer.status == 200 && answer.json["status"] == "cancelled")
                    }
                }
            }
            for id in ids {
                #expect(world.participants.undone(id) == [1, 1])
                #expect(try await world.events(id) == Self.announced)
            }
        }
    }

    @Test func `an order that is still being placed is not cancelled before its fate is known`()
        async throws
    {
        try await CancelWorld.with { world in
            let replica = try world.replica("order.1")
            let id = try await world.order(.pending)
            try await world.running([replica]) { () async throws in
                let hasty = try await replica.cancel(id, prefer: "respond-async")
                #expect(hasty.status == 409 && hasty.json["type"] == "/problems/order-pending")
                #expect(hasty.headers[.retryAfter] == "1")
                #expect(hasty.headers[.location] == "/orders/\(id)")
                #expect(world.participants.undone(id) == [0, 0])

                async let patient = replica.cancel(id)
                try await EventLoop.sleep(for: .milliseconds(150))
                try await world.move(id, to: .confirmed)
                #expect(try await patient.status == 200)
            }
            #expect(world.participants.undone(id) == [1, 1])
        }
    }

    @Test func `a rejected order cannot be cancelled`() async throws {
        try await CancelWorld.with { world in
            let replica = try world.replica("order.1")
            let id = try await world.order(.rejected)
            try await world.running([replica]) { () async throws in
                let refused = try await replica.cancel(id)
                #expect(refused.status == 409)
                #expect(refused.json["type"] == "/problems/order-not-cancellable")
                #expect(refused.json["order_status"] == "rejected")
            }
            #expect(world.participants.undone(id) == [0, 0])
            #expect(try await world.events(id).isEmpty)
        }
    }

    @Test func `only its customer and administrators cancel an order`() async throws {
        try await CancelWorld.with { world in
            let replica = try world.replica("order.1")
            let id = try await world.order(.confirmed)
            try await world.running([replica]) { () async throws in
                let path = "/orders/\(id)/cancel"
                let stranger = try await replica.call(.post, path, as: .next())
                #expect(stranger.status == 404)
                #expect(try await world.database.one(FindOrder(id: id))?.status == .confirmed)
                let admin = UserID.next()
                let done = try await replica.call(.post, path, as: admin, role: "admin")
                #expect(done.status == 200)
                let log = try await world.database.all(FindSagaLog(id: id.uuid)).flatMap(\.self)
                #expect(log.first?.detail == "admin \(admin)")
            }
        }
    }

    @Test(arguments: ["payments", "reservations"])
    func `with a participant away the order stands at cancelling until it is back`(
        away: String
    ) async throws {
        try await CancelWorld.with { world in
            let replica = try world.replica("order.1")
            let id = try await world.order(.confirmed)
            world.participants.set(away, away: true)
            try await world.running([replica]) { () async throws in
                let accepted = try await replica.cancel(id, prefer: "wait=0")
                #expect(accepted.status == 202 && accepted.json["status"] == "cancelling")
                #expect(accepted.headers[.location] == "/orders/\(id)")
                let again = try await replica.cancel(id, prefer: "wait=0")
                #expect(again.status == 202 && again.bytes == accepted.bytes)
                let seen = try await replica.call(.get, "/orders/\(id)")
                #expect(seen.json["status"] == "cancelling")
                try await EventLoop.sleep(for: .milliseconds(100))
                #expect(try await world.events(id).isEmpty)

                world.participants.set(away, away: false)
                #expect(try await world.wait(for: id, toBe: .cancelled))
                #expect(try await replica.cancel(id).status == 200)
            }
            // Asked again, a step answers as before; what counts is that both were done.
            #expect(!world.participants.undone(id).contains(0))
            #expect(try await world.events(id) == Self.announced)
        }
    }

    @Test func `another replica finishes what one that died had decided`() async throws {
        try await CancelWorld.with { world in
            // It takes requests but drives nothing: as if it were killed behind its commit.
            let dying = try world.replica("order.1", lease: .milliseconds(200))
            let id = try await world.order(.confirmed)
            let accepted = try await dying.cancel(id, prefer: "wait=0")
            #expect(accepted.status == 202 && accepted.json["status"] == "cancelling")
            let other = try world.replica("order.2")
            try await world.running([other]) { () async throws in
                #expect(try await other.cancel(id, prefer: "wait=10").status == 200)
            }
            #expect(world.participants.undone(id) == [1, 1])
            #expect(try await world.events(id) == Self.announced)
        }
    }

    @Test func `operators see a stuck cancellation, and retry it`() async throws {
        try await CancelWorld.with { world in
            let replica = try world.replica("order.1")
            let id = try await world.order(.confirmed)
            world.participants.set("payments", away: true)
            func ops(_ method: HTTP.Method, _ path: String) async throws -> OrderReplica.Answer {
                try await replica.call(method, "/ops/sagas\(path)", as: .next(), role: "admin")
            }
            try await world.running([replica]) { () async throws in
                _ = try await replica.cancel(id, prefer: "wait=0")
                var stuck = try await ops(.get, "?state=stuck")
                for _ in 0..<300 where stuck.json["items"]?.array?.isEmpty == true {
                    try await EventLoop.sleep(for: .milliseconds(20))
                    stuck = try await ops(.get, "?state=stuck")
                }
                let saga = try #require(stuck.json["items"]?.array?.first)
                #expect(saga["id"]?.string == "\(id)" && saga["kind"] == "cancel-order")
                #expect(saga["phase"] == "finishing" && saga["stuck"] == "no-answer")
                #expect(saga["last_error"]?.string?.hasPrefix("refund payment: ") == true)
                #expect(saga["next_at"]?.string?.hasSuffix("Z") == true)
                #expect(stuck.json["next_cursor"] == nil || stuck.json["next_cursor"] == .null)
                #expect(try await ops(.get, "?state=running").json["items"]?.array?.count == 0)

                let retried = try await ops(.post, "/\(id)/retry")
                #expect(retried.status == 202)
                #expect(retried.headers[.location] == "/ops/sagas/\(id)")
                world.participants.set("payments", away: false)
                #expect(try await world.wait(for: id, toBe: .cancelled))
                let shown = try await ops(.get, "/\(id)")
                #expect(shown.json["pending"]?.array?.isEmpty == true)
                let steps = shown.json["steps"]?.array ?? []
                #expect(steps.contains { $0["action"] == "retry" })
                #expect(try await ops(.post, "/\(id)/retry").status == 409)
            }
        }
    }

    @Test func `the control room is for administrators and refuses what makes no sense`()
        async throws
    {
        try await CancelWorld.with { world in
            let replica = try world.replica("order.1")
            let id = OrderID.next()
            for (method, path) in [
                (HTTP.Method.get, ""), (.get, "/\(id)"), (.post, "/\(id)/retry"),
            ] {
                #expect(try await replica.call(method, "/ops/sagas\(path)").status == 403)
            }
            for (path, status) in [
                ("?state=lost", 400), ("?limit=0", 400), ("?limit=101", 400), ("?cursor=x", 400),
                ("/\(id)", 404), ("/x", 400),
            ] {
                let answer = try await replica.call(.get, "/ops/sagas\(path)", role: "admin")
                #expect(answer.status == status, "\(path)")
            }
        }
    }

    @Test func `only a confirmed order begins to be cancelled`() {
        #expect(Cancellation(of: .pending) == .wait && Cancellation(of: .cancelling) == .wait)
        #expect(Cancellation(of: .confirmed) == .begin)
        #expect(Cancellation(of: .cancelled) == .done && Cancellation(of: .rejected) == .refused)
    }
}
