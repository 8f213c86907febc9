import Contracts
import FoundationEssentials
import HTTP
import Postgres
import PostgresHarness
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import PaymentProvider
@testable import PaymentService

/// A payment service and the provider's sandbox in one process, each with its own real database; what
/// is between them can lose, repeat and delay.
struct PaymentWorld: Sendable {
    static let key = "sk_test_0123456789"

    let payments: Database
    let sandbox: Database
    let line: FaultyLine
    let settlement: Settlement

    /// Makes a world for the length of `body`, which runs on a loop of the payment database.
    static func with(
        faults: Faults = .none,
        loops: Int = 2,
        repeatsKeys: Bool = true,
        _ body: @escaping @Sendable (PaymentWorld) async throws -> Void
    ) async throws {
        try await withDatabase(migrations: PaymentMigrations.all, loops: loops) { payments in
            try await withDatabase(migrations: SandboxMigrations.all, loops: loops) { sandbox in
                try await body(
                    PaymentWorld(
                        payments: payments,
                        sandbox: sandbox,
                        faults: faults,
                        repeatsKeys: repeatsKeys
                    )
                )
            }
        }
    }

    init(payments: Database, sandbox: Database, faults: Faults, repeatsKeys: Bool = true) throws {
        self.payments = payments
        self.sandbox = sandbox
        let key = try #require(BearerKey(Self.key))
        var router = Router()
        SandboxRoutes(store: SandboxStore(database: Store(sandbox)), key: key, log: .silent)
            .register(&router)
        line = FaultyLine(router: router, faults: faults)
        settlement = Settlement(
            store: PaymentStore(database: payments),
            provider: StripeClient(transport: line, repeatsKeys: repeatsKeys)
        )
    }

    /// The payment service's routes.
    var routes: Router {
        var router = Router()
        PaymentRoutes(settlement: settlement, outcomes: OutcomeCounters(Metrics()))
            .register(&router)
        return router
    }

    /// A replica that compares the provider's records with the books.
    func audit(_ owner: String) -> ProviderAudit {
        ProviderAudit(
            settlement: settlement,
            records: StripeClient(transport: line),
            owner: owner,
            log: .silent,
            measures: DifferenceMeasures(Metrics()),
            grace: 0
        )
    }

    func request(_ cents: Int64 = 1999, _ method: String = "pm_card_visa") -> ChargeRequest {
        ChargeRequest(
            customerID: .next(),
            amountCents: cents,
            currency: "USD",
            paymentMethod: method
        )
    }

    func status(_ order: OrderID) async throws -> PaymentStatus? {
        try await settlement.store.find(order)?.status
    }

    /// What the ledger says of each order: captured and refunded cents, and how often.
    func books() async throws -> [OrderID: Books] {
        let rows = try await payments.all(SelectBooks())
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.order, $0) })
    }

    /// What the provider did for each order.
    func charges() async throws -> [String: Taken] {
        let rows = try await sandbox.all(SelectTaken())
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.order, $0) })
    }
}

/// The ledger of one order.
struct Books: Sendable {
    let order: OrderID
    let status: String
    let captures: Int64
    let refunds: Int64
    /// Debits minus credits over both accounts.
    let imbalance: Int64
    /// What the provider owes us for this order.
    let clearing: Int64
}

struct SelectBooks: Statement {
    static let sql = """
        SELECT p.order_id, p.status,
            count(*) FILTER (WHERE kind = 'capture' AND account = 'provider_clearing'),
            count(*) FILTER (WHERE kind = 'refund' AND account = 'provider_clearing'),
            coalesce(sum(l.amount_cents), 0)::bigint,
            coalesce(sum(l.amount_cents) FILTER (WHERE account = 'provider_clearing'), 0)::bigint
        FROM payments p LEFT JOIN ledger_entries l ON l.payment_id = p.id
        GROUP BY p.order_id, p.status
        """

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Books {
        Books(
            order: OrderID(try row[0]),
            status: try row[1],
            captures: try row[2],
            refunds: try row[3],
            imbalance: try row[4],
            clearing: try row[5]
        )
    }
}

/// What the provider holds of one order.
struct Taken: Sendable {
    let order: String
    /// Charges that succeeded.
    let count: Int64
    /// Cents charged and not refunded.
    let kept: Int64
}

struct SelectTaken: Statement {
    static let sql = """
        SELECT i.order_id, count(c.id) FILTER (WHERE c.status = 'succeeded'),
            coalesce(sum(c.amount - c.amount_refunded) FILTER (WHERE c.status = 'succeeded'), 0)::bigint
        FROM payment_intents i LEFT JOIN charges c ON c.payment_intent = i.id
        GROUP BY i.order_id
        """

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Taken {
        Taken(order: try row[0], count: try row[1], kept: try row[2])
    }
}

/// How often, of 100 requests to the provider, what happens to them.
struct Faults: Sendable {
    var requestLost = 0
    var replyLost = 0
    var duplicated = 0
    /// The caller gives up; the request arrives later.
    var late = 0
    var refused = 0

    static let none = Faults()
    static let storm = Faults(requestLost: 8, replyLost: 8, duplicated: 8, late: 8, refused: 4)
}

/// The line between the payment service and the sandbox.
final class FaultyLine: ProviderTransport {
    private let router: Router
    private let faults: Mutex<Faults>
    private let stragglers = Mutex<[Task<Void, Never>]>([])
    private let sent = Mutex<[StripeRequest]>([])

    init(router: Router, faults: Faults) {
        self.router = router
        self.faults = Mutex(faults)
    }

    /// Everything that was sent, in order.
    var log: [StripeRequest] { sent.withLock { $0 } }

    func set(_ faults: Faults) {
        self.faults.withLock { $0 = faults }
    }

    /// Waits until every late request has arrived.
    func settle() async {
        while case let late = stragglers.withLock({ $0.isEmpty ? nil : $0.removeFirst() }), let late
        {
            await late.value
        }
    }

    func send(_ request: StripeRequest) async throws(NoResponse) -> StripeResponse {
        sent.withLock { $0.append(request) }
        let faults = faults.withLock { $0 }
        var dice = Int.random(in: 0..<100)
        func falls(_ share: Int) -> Bool {
            dice -= share
            return dice < 0
        }
        if falls(faults.requestLost) { throw NoResponse(reason: "request lost") }
        if falls(faults.replyLost) {
            _ = await deliver(request)
            throw NoResponse(reason: "reply lost")
        }
        if falls(faults.duplicated) {
            async let twin = deliver(request)
            let answer = await deliver(request)
            _ = await twin
            return answer
        }
        if falls(faults.late) {
            let wait = Int64.random(in: 1...40)
            let loop = EventLoop.current
            let straggler = Task(executorPreference: loop) {
                try? await EventLoop.sleep(for: .milliseconds(wait))
                _ = await self.deliver(request)
            }
            stragglers.withLock { $0.append(straggler) }
            throw NoResponse(reason: "timed out")
        }
        if falls(faults.refused) {
            return StripeResponse(status: 503, body: [])
        }
        return await deliver(request)
    }

    private func deliver(_ request: StripeRequest) async -> StripeResponse {
        var headers: Headers = [.authorization: "Bearer \(PaymentWorld.key)"]
        headers[.idempotencyKey] = request.key
        if !request.isRead { headers[.contentType] = "application/x-www-form-urlencoded" }
        let call =
            request.isRead
            ? Request(.get, "\(request.path)?\(request.form.text)", headers: headers)
            : Request(.post, request.path, headers: headers, body: Array(request.form.text.utf8))
        guard let response = try? await router.handle(call), case .bytes(let body) = response.body
        else { return StripeResponse(status: 500, body: []) }
        return StripeResponse(status: response.status.code, body: body)
    }
}
