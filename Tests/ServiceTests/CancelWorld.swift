import Contracts
import FoundationEssentials
import HTTP
import Mesh
import Messaging
import Postgres
import PostgresHarness
import Reactor
import ServiceKit
import Synchronization
import Telemetry

@testable import OrderService
@testable import Sagas

/// Product and payment as far as cancelling asks them: they count, and fail when they are told to.
final class CancelParticipants: Sendable {
    private struct Books {
        var asked: [String: Int] = [:]
        var away: Set<String> = []
    }

    private let books = Mutex(Books())
    private let group: EventLoopGroup
    private let server: Task<Void, any Error>
    private let address: SocketAddress

    init() throws {
        group = try EventLoopGroup(count: 1)
        let listener = try Listener.bind(.loopback(port: 0))
        address = listener.address
        var limits = HTTPLimits()
        limits.drainTime = .milliseconds(50)
        limits.lingerTime = .milliseconds(10)
        let answer = OneShot<@Sendable (Request) -> Response>()
        let http = HTTPServer(listener: listener, tls: nil, limits: limits) {
            request throws(Problem) in
            answer.value?(request) ?? .empty(.serviceUnavailable)
        }
        server = Task(executorPreference: group.loops[0]) { [group] in
            try await http.run(on: group)
        }
        answer.resolve { [weak self] request in
            self?.answer(request) ?? .empty(.serviceUnavailable)
        }
    }

    private func answer(_ request: Request) -> Response {
        let target = "\(request.path)"
        let isAway = books.withLock { books in
            let isAway = books.away.contains { target.hasPrefix("/\($0)") }
            if !isAway { books.asked["\(request.method) \(target)", default: 0] += 1 }
            return isAway
        }
        return isAway ? .empty(.serviceUnavailable) : .json(["status": "done"])
    }

    /// Makes `payments` or `reservations` answer 503, or come back.
    func set(_ collection: String, away: Bool) {
        books.withLock {
            if away { $0.away.insert(collection) } else { $0.away.remove(collection) }
        }
    }

    /// How often an order's refund and restocking were done.
    func undone(_ order: OrderID) -> [Int] {
        books.withLock { books in
            ["payments", "reservations"].map { books.asked["DELETE /\($0)/\(order)"] ?? 0 }
        }
    }

    /// How often something was done.
    func done(_ method: HTTP.Method, _ target: String) -> Int {
        books.withLock { $0.asked["\(method) \(target)"] ?? 0 }
    }

    /// A participant as the order service calls it; its breaker stays closed unless it is told to
    /// judge so few calls.
    func upstream(_ name: String, breaksAfter calls: Int = .max) throws -> Upstream {
        var policy = MeshPolicy()
        policy.retries = 0
        policy.breaker.minimumCalls = calls
        return Upstream(
            name: name,
            endpoints: try Endpoints("\(address)"),
            client: HTTPClient(),
            tls: nil,
            policy: policy,
            log: .silent,
            metrics: Metrics()
        )
    }

    func stop() async {
        server.cancel()
        _ = try? await server.value
        group.shutdown()
    }
}

/// The order service's routes and cancellations over a database of their own.
struct CancelWorld: Sendable {
    let database: Database
    let participants: CancelParticipants
    let customer = UserID.next()

    static func with(_ body: @escaping @Sendable (CancelWorld) async throws -> Void) async throws {
        try await withDatabase(migrations: OrderService.migrations, loops: 2) { database in
            let world = CancelWorld(database: database, participants: try CancelParticipants())
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(world))
            } catch {
                result = .failure(error)
            }
            await world.participants.stop()
            try result.get()
        }
    }

    /// One order replica, with short leases and pauses.
    func replica(_ name: String, lease: Duration = .seconds(8)) throws -> OrderReplica {
        let saga = CancelOrderSaga(
            stock: StockParticipant(try participants.upstream("product")),
            payments: PaymentParticipant(try participants.upstream("payment")),
            outbox: Outbox()
        )
        let awaited = AwaitedAnswers()
        let placing = PlaceOrderSaga(
            stock: saga.stock,
            payments: saga.payments,
            outbox: saga.outbox,
            deadline: .seconds(30),
            awaited: awaited
        )
        var policy = SagaPolicy()
        policy.lease = lease
        policy.firstPause = .milliseconds(5)
        policy.longestParking = .milliseconds(50)
        policy.pollInterval = .milliseconds(30)
        func runner(_ saga: Saga<Order>) -> SagaRunner<Order> {
            SagaRunner(
                saga,
                database: database,
                driver: name,
                policy: policy,
                log: .silent,
                metrics: Metrics()
            ) { id throws(DatabaseError) in try await database.one(FindOrder(id: OrderID(id))) }
        }
        let cancellations = runner(saga.definition)
        var router = Router()
        OrderRoutes(
            store: Store(database),
            commits: GroupCommit(database),
            catalog: CatalogClient(upstream: try participants.upstream("product")),
            sagas: runner(placing.definition),
            awaited: awaited,
            cancellations: cancellations,
            oversight: SagaOversight(database, instance: name),
            outbox: saga.outbox,
            saved: nil
        ).add(to: &router)
        return OrderReplica(router: router, cancellations: cancellations, customer: customer)
    }

    /// Runs the replicas while `body` does its part.
    func running(_ replicas: [OrderReplica], _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for replica in replicas { group.addTask { await replica.cancellations.run() } }
            try await body()
            group.cancelAll()
        }
    }

    /// Stores an order that stands somewhere.
    func order(_ status: OrderStatus) async throws -> OrderID {
        let address = ShippingAddress(
            name: nil,
            line1: "1 Main Street",
            line2: nil,
            city: "Springfield",
            postalCode: nil,
            country: "US"
        )
        let order = Order(
            id: .next(),
            customer: customer,
            status: .pending,
            total: Money(cents: 1200),
            paymentMethod: "pm_card_visa",
            shippingAddress: address,
            lines: [],
            reason: nil,
            createdAt: .now,
            updatedAt: .now
        )
        let key = IdempotencyKey(rawValue: "\(order.id)")
        guard let key else { throw Problem.internalError }
        try await database.run(try InsertOrder(order, key: key, fingerprint: [1]))
        if status != .pending { try await move(order.id, to: status) }
        return order.id
    }

    /// What the order's own saga would commit.
    func move(_ id: OrderID, to status: OrderStatus) async throws {
        guard let order = try await database.one(FindOrder(id: id)) else { return }
        try await database.run(MoveOrder(to: order.ended(status), from: order.status))
    }

    /// The types and sequences of an order's events.
    func events(_ id: OrderID) async throws -> [String] {
        try await database.all(EventsOf(subject: "\(id)"))
    }

    /// Asks until an order has a status.
    func wait(for id: OrderID, toBe status: OrderStatus) async throws -> Bool {
        for _ in 0..<400 {
            if try await database.one(FindOrder(id: id))?.status == status { return true }
            try await EventLoop.sleep(for: .milliseconds(20))
        }
        return false
    }
}

private struct EventsOf: Statement {
    static let sql = "SELECT type, sequence FROM outbox WHERE subject = $1 ORDER BY id"
    let subject: String
    func bind(_ parameters: inout Parameters) { parameters.append(subject) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String {
        let type: String = try row[0]
        let sequence: Int64 = try row[1]
        return "\(type) \(sequence)"
    }
}

/// One replica as the gateway calls it.
struct OrderReplica: Sendable {
    let router: Router
    let cancellations: SagaRunner<Order>
    let customer: UserID

    struct Answer: Sendable {
        let status: Int
        let headers: Headers
        let bytes: [UInt8]
        let json: JSONValue
    }

    func cancel(_ id: OrderID, prefer: String? = nil) async throws -> Answer {
        try await call(.post, "/orders/\(id)/cancel", prefer: prefer)
    }

    func call(
        _ method: HTTP.Method,
        _ target: String,
        as user: UserID? = nil,
        role: String = "customer",
        prefer: String? = nil
    ) async throws -> Answer {
        var headers: Headers = ["x-anyway-user": "\(user ?? customer)", "x-anyway-role": "\(role)"]
        if let prefer { headers[.prefer] = prefer }
        let request = Request(
            method,
            target,
            headers: headers,
            peerIdentity: "spiffe://anyway/gateway"
        )
        let response: Response
        do throws(Problem) {
            response = try await router.handle(request)
        } catch {
            response = error.response()
        }
        guard case .bytes(let bytes) = response.body else {
            return Answer(
                status: response.status.code,
                headers: response.headers,
                bytes: [],
                json: .null
            )
        }
        return Answer(
            status: response.status.code,
            headers: response.headers,
            bytes: bytes,
            json: try JSON.decode(JSONValue.self, from: bytes)
        )
    }
}
