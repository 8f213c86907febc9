import Contracts
import FoundationEssentials
import HTTP
import Journaling
import Mesh
import Messaging
import Postgres
import PostgresHarness
import Reactor
import Sagas
import Synchronization
import Telemetry
import Testing

@testable import OrderService

/// What stands in for product and payment: it quotes one price for all and says yes to everything.
final class Participants: Sendable {
    struct State {
        var isUp = true
        var cents: Int64 = 1050
        var reservations: [String: Int] = [:]
        var unknown: ProductID?
        var beforeQuote: @Sendable () async -> Void = {}
        var beforeDecline: (@Sendable () async throws -> Void)?
    }

    let state = Mutex(State())

    var handler: Handler {
        var router = Router()
        router.on(.post, "/quotes") { [self] request throws(Problem) in
            let wanted = try await request.json(Lines.self)
            let state = try current()
            let before = self.state.withLock { $0.beforeQuote }
            await before()
            let missing = self.state.withLock { $0.unknown }
            if let index = wanted.lines.firstIndex(where: { $0.productID == missing }) {
                throw Self.unknown(index)
            }
            return .json(
                Quote(
                    wanted.lines.map {
                        QuotedLine(
                            productID: $0.productID,
                            title: "Kettle",
                            quantity: $0.quantity,
                            unitPriceCents: state.cents,
                            currency: "USD"
                        )
                    }
                )
            )
        }
        for kind in ["reservations", "payments"] {
            router.on(.put, "/\(kind)/{id}") { [self] request throws(Problem) in
                _ = try current()
                if kind == "payments" { try await declineIfAsked() }
                let id = try request.parameter("id", as: OrderID.self).description
                state.withLock { $0.reservations["\(kind) \(id)", default: 0] += 1 }
                return .json(["status": "done"])
            }
            router.on(.delete, "/\(kind)/{id}") { [self] _ throws(Problem) in
                _ = try current()
                return .json(["status": "released"])
            }
        }
        return router.handler
    }

    private func current() throws(Problem) -> State {
        let seen = state.withLock { ($0.isUp, $0.cents) }
        guard seen.0 else { throw .unavailable("down for the test") }
        return State(isUp: true, cents: seen.1)
    }

    private static func unknown(_ index: Int) -> Problem {
        Problem(
            .unprocessable,
            "unknown-product",
            errors: [
                Problem.Field(
                    pointer: "/lines/\(index)/product_id",
                    detail: "is not in the catalog"
                )
            ]
        )
    }

    private func declineIfAsked() async throws(Problem) {
        guard let before = state.withLock({ $0.beforeDecline }) else { return }
        do { try await before() } catch { Issue.record(error) }
        throw Problem(
            .paymentRequired,
            "card-declined",
            members: ["decline_code": "generic_decline"]
        )
    }

    /// From now on a product is not in the catalog.
    func forget(_ product: ProductID) { state.withLock { $0.unknown = product } }
    /// What happens before each quote is answered.
    func whenQuoting(_ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.beforeQuote = body }
    }
    /// From now on cards are declined, each after this.
    func decline(_ before: @escaping @Sendable () async throws -> Void) {
        state.withLock { $0.beforeDecline = before }
    }

    func bring(_ up: Bool) { state.withLock { $0.isUp = up } }
    func ask(_ cents: Int64) { state.withLock { $0.cents = cents } }
}

/// A PostgreSQL of its own that can be killed, the participants, and replicas of the order service in
/// this process, each with its journal.
struct OrderWorld: Sendable {
    let server: PostgresServer
    let url: String
    let participants: Participants
    let folder: String
    private let address: SocketAddress

    /// Makes a world for the length of `body`, which runs on an event loop.
    static func with(_ body: @escaping @Sendable (OrderWorld) async throws -> Void) async throws {
        let server = try await PostgresServer.start()
        let group = try EventLoopGroup(count: 1)
        let participants = Participants()
        let listener = try Listener.bind(.loopback(port: 0))
        let http = HTTPServer(listener: listener, handler: participants.handler)
        let serving = Task(executorPreference: group.loops[0]) { try await http.run(on: group) }
        let world = OrderWorld(
            server: server,
            url: try await server.freshDatabase(),
            participants: participants,
            folder: "/var/tmp/anyway-saved-\(UUID().uuidString)",
            address: listener.address
        )
        let result = await Task(executorPreference: group.loops[0]) { try await body(world) }.result
        serving.cancel()
        _ = try? await serving.value
        group.shutdown()
        try await server.stop()
        try? FileManager.default.removeItem(atPath: world.folder)
        try result.get()
    }

    /// A replica for the length of `body`; ending it without more is what a crash does to the journal.
    ///
    /// - Parameter replays: false for one that is too slow to place what it saved.
    func replica(
        replays: Bool = true,
        maxBytes: Int = 1 << 20,
        _ body: @escaping @Sendable (Replica) async throws -> Void
    ) async throws {
        let loop = EventLoop.required
        let database = try Database(url: url, loops: [loop], timeout: .seconds(3))
        defer { database.close() }
        let replica = try Replica(
            database: database,
            upstream: {
                Upstream(
                    name: $0,
                    endpoints: try Endpoints(address.description),
                    client: HTTPClient(),
                    tls: nil,
                    log: .silent,
                    metrics: Metrics()
                )
            },
            folder: JournalFolder(folder),
            maxBytes: maxBytes
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await replica.saved.journal.run() }
            group.addTask { await replica.routes.sagas.run() }
            if replays { group.addTask { await replica.replay.run() } }
            let result = await Result.of { try await body(replica) }
            group.cancelAll()
            for try await _ in group {}
            await replica.saved.journal.close()
            try result.get()
        }
    }
}

/// One order process, without its port.
struct Replica: Sendable {
    let database: Database
    let saved: SavedOrders
    let routes: OrderRoutes
    let replay: SavedOrderReplay
    let metrics = Metrics()
    private let handler: Handler

    init(
        database: Database,
        upstream: (String) throws -> Upstream,
        folder: JournalFolder,
        maxBytes: Int
    ) throws {
        self.database = database
        let measures = SavedOrderMeasures(metrics)
        saved = SavedOrders(
            try Journal(in: folder, maxBytes: maxBytes),
            log: .silent,
            measures: measures
        )
        let outbox = Outbox()
        let awaited = AwaitedAnswers()
        let saga = PlaceOrderSaga(
            stock: StockParticipant(try upstream("product")),
            payments: PaymentParticipant(try upstream("payment")),
            outbox: outbox,
            deadline: .seconds(30),
            awaited: awaited
        )
        let sagas = SagaRunner(
            saga.definition,
            database: database,
            driver: "order.\(UInt32.random(in: 0...(.max)))",
            log: .silent,
            metrics: metrics
        ) { id throws(DatabaseError) in try await database.one(FindOrder(id: OrderID(id))) }
        let cancelling = CancelOrderSaga(
            stock: StockParticipant(try upstream("product")),
            payments: PaymentParticipant(try upstream("payment")),
            outbox: outbox
        )
        let cancellations = SagaRunner(
            cancelling.definition,
            database: database,
            driver: "order.\(UInt32.random(in: 0...(.max)))",
            log: .silent,
            metrics: metrics
        ) { id throws(DatabaseError) in try await database.one(FindOrder(id: OrderID(id))) }
        routes = OrderRoutes(
            store: Store(database),
            commits: GroupCommit(database),
            catalog: CatalogClient(upstream: try upstream("product")),
            sagas: sagas,
            awaited: awaited,
            cancellations: cancellations,
            oversight: SagaOversight(database, instance: "order"),
            outbox: outbox,
            saved: saved
        )
        replay = SavedOrderReplay(
            saved: saved,
            folder: folder,
            maxBytes: maxBytes,
            routes: routes,
            log: .silent,
            measures: measures
        )
        var router = Router()
        routes.add(to: &router)
        handler = router.handler
    }

    func migrate() async throws { try await database.migrate(OrderService.migrations) }

    /// Waits until the database answers again, at most twenty seconds.
    func reconnect() async throws {
        let end = Deadline.after(.seconds(20))
        while !end.hasPassed {
            do { return try await database.ping() } catch {
                try await EventLoop.sleep(for: .milliseconds(20))
            }
        }
        throw DatabaseError.timedOut
    }

    static let product = ProductID.next()

    /// Checks out some pieces under a key.
    func checkOut(
        _ key: String,
        by customer: UserID,
        quantity: Int = 1,
        card: String = "pm_card_visa",
        headers: Headers = [:]
    ) async throws -> UserAnswer {
        var headers = headers
        headers[.idempotencyKey] = key
        let body =
            #"{"items":[{"product_id":"\#(Self.product)","quantity":\#(quantity)}],"payment_method":"\#(card)","shipping_address":{"line1":"1 Main Street","city":"Springfield","country":"US"}}"#
        return try await call(.post, "/orders", by: customer, json: body, headers: headers)
    }

    func call(
        _ method: HTTP.Method,
        _ target: String,
        by customer: UserID,
        json: String? = nil,
        headers: Headers = [:]
    ) async throws -> UserAnswer {
        var headers = headers
        if json != nil { headers[.contentType] = "application/json" }
        headers["x-anyway-user"] = customer.description
        headers["x-anyway-role"] = "customer"
        let request = Request(
            method,
            target,
            headers: headers,
            body: Array((json ?? "").utf8),
            peerIdentity: "spiffe://anyway/gateway"
        )
        let response: Response
        do throws(Problem) { response = try await handler(request) } catch {
            response = error.response()
        }
        return try UserAnswer(response)
    }

    /// Looks at an order until it has this status, at most twenty seconds.
    func wait(for id: String, by customer: UserID, toBe status: String) async throws -> UserAnswer {
        let end = Deadline.after(.seconds(20))
        var seen = try await call(.get, "/orders/\(id)", by: customer)
        while seen.json["status"]?.string != status, !end.hasPassed {
            try await EventLoop.sleep(for: .milliseconds(50))
            seen = try await call(.get, "/orders/\(id)", by: customer)
        }
        return seen
    }

    func count() async throws -> Int64 { try #require(try await database.one(CountOrders())) }

    /// Tries to place saved orders that came out so.
    func replays(_ outcome: String) -> Int {
        metrics.render().split(separator: "\n")
            .first { $0.hasPrefix("order_journal_replays_total{outcome=\"\(outcome)\"}") }
            .flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } ?? 0
    }
}

private struct CountOrders: Statement {
    static let sql = "SELECT count(*) FROM orders"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 { try row[0] }
}

extension Result where Failure == any Error {
    fileprivate static func of(_ body: () async throws -> Success) async -> Result {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
