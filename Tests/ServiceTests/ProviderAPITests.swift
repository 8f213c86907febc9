import HTTP
import Postgres
import PostgresHarness
import Telemetry
import Testing

@testable import PaymentProvider

/// The sandbox as Stripe's clients see it, on a real database.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ProviderAPITests {
    static let charge =
        "amount=1999&currency=usd&payment_method=pm_card_visa&confirm=true&metadata%5Border_id%5D=o-1"

    @Test func `a card is charged and the intent can be looked up`() async throws {
        try await withSandbox { sandbox in
            let made = try await sandbox.post("/v1/payment_intents", Self.charge, key: "k-1")
            #expect(made.status == 200)
            #expect(made["object"]?.string == "payment_intent")
            #expect(made["status"]?.string == "succeeded")
            #expect(made["amount"]?.integer == 1999)
            #expect(made["amount_received"]?.integer == 1999)
            #expect(made["currency"]?.string == "usd")
            #expect(made["metadata"]?["order_id"]?.string == "o-1")
            #expect(made["latest_charge"]?.string?.hasPrefix("ch_") == true)
            #expect(made["last_payment_error"] == .null)
            let id = try #require(made["id"]?.string)
            #expect(id.hasPrefix("pi_"))
            let found = try await sandbox.get("/v1/payment_intents/\(id)")
            #expect(found.status == 200 && found.json == made.json)
            #expect(try await sandbox.get("/v1/payment_intents/pi_none").status == 404)
        }
    }

    @Test func `a declined card is 402, kept under its key, and leaves the intent open`()
        async throws
    {
        try await withSandbox { sandbox in
            let form = Self.charge.replacing("pm_card_visa", with: "pm_card_chargeDeclined")
            let first = try await sandbox.post("/v1/payment_intents", form, key: "k-1")
            #expect(first.status == 402)
            let error = first["error"]
            #expect(error?["type"]?.string == "card_error")
            #expect(error?["code"]?.string == "card_declined")
            #expect(error?["decline_code"]?.string == "generic_decline")
            #expect(error?["payment_intent"]?["status"]?.string == "requires_payment_method")
            let again = try await sandbox.post("/v1/payment_intents", form, key: "k-1")
            #expect(again.json == first.json && again.status == 402 && again.isReplayed)
            let id = try #require(error?["payment_intent"]?["id"]?.string)
            let intent = try await sandbox.get("/v1/payment_intents/\(id)")
            #expect(intent["last_payment_error"]?["decline_code"]?.string == "generic_decline")
            #expect(intent["amount_received"]?.integer == 0)
        }
    }

    @Test func `a key repeats its answer and charges once`() async throws {
        try await withSandbox { sandbox in
            let first = try await sandbox.post("/v1/payment_intents", Self.charge, key: "k-1")
            let shuffled =
                "confirm=true&metadata%5Border_id%5D=o-1&currency=usd&amount=1999&payment_method=pm_card_visa"
            for form in [Self.charge, shuffled] {
                let again = try await sandbox.post("/v1/payment_intents", form, key: "k-1")
                #expect(again.status == 200 && again.json == first.json && again.isReplayed)
            }
            #expect(!first.isReplayed)
            #expect(try await sandbox.count("payment_intents") == 1)
            #expect(try await sandbox.count("charges") == 1)
        }
    }

    @Test func `a key with other parameters or another path is an idempotency error`() async throws
    {
        try await withSandbox { sandbox in
            let first = try await sandbox.post("/v1/payment_intents", Self.charge, key: "k-1")
            let id = try #require(first["id"]?.string)
            for (path, form) in [
                ("/v1/payment_intents", Self.charge.replacing("1999", with: "2999")),
                ("/v1/payment_intents", Self.charge.replacing("1999", with: "nonsense")),
                ("/v1/payment_intents", ""),
                ("/v1/refunds", "payment_intent=\(id)"),
            ] {
                let answer = try await sandbox.post(path, form, key: "k-1")
                #expect(answer.status == 400)
                #expect(answer["error"]?["type"]?.string == "idempotency_error")
            }
            #expect(try await sandbox.count("charges") == 1)
            #expect(try await sandbox.count("refunds") == 0)
        }
    }

    @Test func `a key that another request works under is 409, and free again afterwards`()
        async throws
    {
        try await withSandbox { sandbox in
            let path = "/v1/payment_intents"
            try await sandbox.database.transaction {
                (tx: Transaction<StripeError>) throws(StripeError) in
                let isFree = try await tx.one(LockKey(key: "k-1"))
                #expect(isFree == true)
                let busy = await sandbox.quietly {
                    try await $0.post(path, Self.charge, key: "k-1")
                }
                #expect(busy?.status == 409)
                #expect(busy?["error"]?["code"]?.string == "idempotency_key_in_use")
                let refund = await sandbox.quietly {
                    try await $0.post("/v1/refunds", "payment_intent=pi_1", key: "k-1")
                }
                #expect(refund?.status == 409)
            }
            #expect(try await sandbox.post(path, Self.charge, key: "k-1").status == 200)
            #expect(try await sandbox.count("charges") == 1)
        }
    }

    @Test func `fifty requests with one key charge once`() async throws {
        try await withSandbox { sandbox in
            let answers = try await withThrowingTaskGroup(of: StripeAnswer.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await sandbox.post("/v1/payment_intents", Self.charge, key: "k-1")
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let bodies = Set(answers.filter { $0.status == 200 }.map(\.text))
            #expect(bodies.count == 1)
            #expect(answers.allSatisfy { $0.status == 200 || $0.status == 409 })
            #expect(try await sandbox.count("charges") == 1)
        }
    }

    @Test func `a bad parameter leaves the key free`() async throws {
        try await withSandbox { sandbox in
            let path = "/v1/payment_intents"
            let bad = try await sandbox.post(
                path,
                Self.charge.replacing("pm_card_visa", with: "pm_card_unheard"),
                key: "k-1"
            )
            #expect(bad.status == 400)
            #expect(bad["error"]?["code"]?.string == "resource_missing")
            #expect(bad["error"]?["param"]?.string == "payment_method")
            #expect(try await sandbox.post(path, Self.charge, key: "k-1").status == 200)
        }
    }

    @Test func `an open intent is cancelled once, a paid one never`() async throws {
        try await withSandbox { sandbox in
            let open = try await sandbox.post(
                "/v1/payment_intents",
                "amount=500&currency=usd",
                key: "k-1"
            )
            #expect(open["status"]?.string == "requires_payment_method")
            let id = try #require(open["id"]?.string)
            let canceled = try await sandbox.post(
                "/v1/payment_intents/\(id)/cancel",
                "",
                key: "k-2"
            )
            #expect(canceled.status == 200)
            #expect(canceled["status"]?.string == "canceled")
            let replay = try await sandbox.post("/v1/payment_intents/\(id)/cancel", "", key: "k-2")
            #expect(replay.json == canceled.json && replay.isReplayed)
            let twice = try await sandbox.post("/v1/payment_intents/\(id)/cancel", "", key: "k-3")
            #expect(twice.status == 400)
            #expect(twice["error"]?["code"]?.string == "payment_intent_unexpected_state")
            #expect(twice["error"]?["payment_intent"]?["status"]?.string == "canceled")
            let paid = try await sandbox.post("/v1/payment_intents", Self.charge, key: "k-4")
            let paidID = try #require(paid["id"]?.string)
            let refused = try await sandbox.post(
                "/v1/payment_intents/\(paidID)/cancel",
                "",
                key: "k-5"
            )
            #expect(refused.status == 400)
            #expect(refused["error"]?["payment_intent"]?["status"]?.string == "succeeded")
        }
    }

    @Test func `refunds give back all of a charge and no more`() async throws {
        try await withSandbox { sandbox in
            let paid = try await sandbox.post("/v1/payment_intents", Self.charge, key: "k-1")
            let id = try #require(paid["id"]?.string)
            let part = try await sandbox.post(
                "/v1/refunds",
                "payment_intent=\(id)&amount=999",
                key: "r-1"
            )
            #expect(part.status == 200)
            #expect(part["object"]?.string == "refund")
            #expect(part["status"]?.string == "succeeded")
            #expect(part["amount"]?.integer == 999)
            let much = try await sandbox.post(
                "/v1/refunds",
                "payment_intent=\(id)&amount=1001",
                key: "r-2"
            )
            #expect(much.status == 400)
            let rest = try await sandbox.post("/v1/refunds", "payment_intent=\(id)", key: "r-3")
            #expect(rest["amount"]?.integer == 1000)
            let over = try await sandbox.post("/v1/refunds", "payment_intent=\(id)", key: "r-4")
            #expect(over["error"]?["code"]?.string == "charge_already_refunded")
            let list = try await sandbox.get("/v1/refunds?payment_intent=\(id)")
            #expect(list["data"]?.array?.map { $0["amount"]?.integer } == [1000, 999])
            let unknown = try await sandbox.post(
                "/v1/refunds",
                "payment_intent=pi_none",
                key: "r-5"
            )
            #expect(unknown["error"]?["code"]?.string == "resource_missing")
        }
    }

    @Test func `lists are newest first, page, and filter by order`() async throws {
        try await withSandbox { sandbox in
            for number in 1...5 {
                let form = Self.charge.replacing("o-1", with: number == 3 ? "o-3" : "o-1")
                _ = try await sandbox.post("/v1/payment_intents", form, key: "k-\(number)")
            }
            let first = try await sandbox.get("/v1/payment_intents?limit=2")
            #expect(first["object"]?.string == "list")
            #expect(first["has_more"] == .bool(true))
            let ids = first["data"]?.array?.compactMap { $0["id"]?.string } ?? []
            #expect(ids.count == 2)
            let last = try #require(ids.last)
            let second = try await sandbox.get("/v1/payment_intents?limit=3&starting_after=\(last)")
            #expect(second["data"]?.array?.count == 3)
            #expect(second["has_more"] == .bool(false))
            let search = "/v1/payment_intents/search?query=metadata%5B%27order_id%27%5D:%27"
            let order = try await sandbox.get(search + "o-3%27")
            #expect(try await sandbox.get("/v1/payment_intents/search?query=o-3").status == 400)
            let unknown = "/v1/payment_intents?starting_after=pi_none"
            #expect(try await sandbox.get(unknown).status == 400)
            #expect(order["data"]?.array?.count == 1)
            #expect(order["data"]?.array?.first?["metadata"]?["order_id"]?.string == "o-3")
            #expect(try await sandbox.get("/v1/payment_intents?limit=0").status == 400)
            #expect(try await sandbox.get("/v1/payment_intents?limit=101").status == 400)
        }
    }

    @Test
    func `a span of time holds what was created in it, with its charges if they are asked for`()
        async throws
    {
        try await withSandbox { sandbox in
            let made = try await sandbox.post("/v1/payment_intents", Self.charge, key: "k-1")
            let id = try #require(made["id"]?.string)
            let created = try #require(made["created"]?.integer)
            let form = "payment_intent=\(id)&amount=99"
            let refund = try await sandbox.post("/v1/refunds", form, key: "r-1")
            let refunded = try #require(refund["created"]?.integer)
            for (list, time) in [("payment_intents", created), ("refunds", refunded)] {
                func count(_ from: Int64, _ to: Int64) async throws -> Int? {
                    let span = "created%5Bgte%5D=\(from)&created%5Blt%5D=\(to)"
                    return try await sandbox.get("/v1/\(list)?\(span)")["data"]?.array?.count
                }
                #expect(try await count(time, time + 1) == 1)
                #expect(try await count(time - 1, time) == 0)
                #expect(try await count(time + 1, time + 2) == 0)
            }
            let path = "/v1/payment_intents?expand%5B%5D=data.latest_charge"
            let charge = try await sandbox.get(path)["data"]?.array?.first?["latest_charge"]
            #expect(charge?["id"] == made["latest_charge"])
            #expect(charge?["amount_refunded"]?.integer == 99)
            let one = "/v1/payment_intents/\(id)?expand%5B%5D=latest_charge"
            #expect(try await sandbox.get(one)["latest_charge"] == charge)
            #expect(try await sandbox.get("/v1/refunds?created%5Bgte%5D=x").status == 400)
        }
    }

    @Test(arguments: [nil, "Bearer sk_test_wrong_key", "Bearer ", "Basic abc"])
    func `without the key nothing is answered`(authorization: String?) async throws {
        try await withSandbox { sandbox in
            let answer = try await sandbox.send(
                .post,
                "/v1/payment_intents",
                Self.charge,
                key: "k-1",
                authorization: authorization
            )
            #expect(answer.status == 401)
            #expect(answer["error"]?["type"]?.string == "invalid_request_error")
            #expect(try await sandbox.count("payment_intents") == 0)
        }
    }

    @Test(arguments: ["amount=%zz", "amount=5&amount=6", "amount=%00"])
    func `a form that cannot be read is refused`(form: String) async throws {
        try await withSandbox { sandbox in
            let answer = try await sandbox.post("/v1/payment_intents", form, key: "k-1")
            #expect(answer.status == 400)
            #expect(answer["error"]?["type"]?.string == "invalid_request_error")
        }
    }

    private func withSandbox(_ body: @escaping @Sendable (Sandbox) async throws -> Void)
        async throws
    {
        try await withDatabase(migrations: SandboxMigrations.all) { database in
            try await body(Sandbox(database: database))
        }
    }
}

/// The sandbox's routes on a database of their own.
struct Sandbox: Sendable {
    let database: Database
    let router: Router

    init(database: Database) throws {
        self.database = database
        let key = try #require(BearerKey("sk_test_0123456789"))
        var router = Router()
        SandboxRoutes(store: SandboxStore(database: Store(database)), key: key, log: .silent)
            .register(&router)
        self.router = router
    }

    func post(_ path: String, _ form: String, key: String) async throws -> StripeAnswer {
        try await send(.post, path, form, key: key)
    }

    func get(_ path: String) async throws -> StripeAnswer {
        try await send(.get, path, "", key: nil)
    }

    func quietly(
        _ call: @Sendable (Sandbox) async throws -> StripeAnswer
    ) async -> StripeAnswer? {
        try? await call(self)
    }

    func count(_ table: String) async throws -> Int64? {
        switch table {
        case "payment_intents": try await database.one(CountIntents())
        case "charges": try await database.one(CountCharges())
        default: try await database.one(CountRefunds())
        }
    }

    func send(
        _ method: HTTP.Method,
        _ path: String,
        _ form: String,
        key: String?,
        authorization: String? = "Bearer sk_test_0123456789"
    ) async throws -> StripeAnswer {
        var headers: Headers = [:]
        if let key { headers[.idempotencyKey] = key }
        if let authorization { headers[.authorization] = authorization }
        if !form.isEmpty { headers[.contentType] = "application/x-www-form-urlencoded" }
        let request = Request(method, path, headers: headers, body: Array(form.utf8))
        let response = try await router.handle(request)
        guard case .bytes(let bytes) = response.body else {
            return StripeAnswer(status: response.status.code, text: "", isReplayed: false)
        }
        return StripeAnswer(
            status: response.status.code,
            text: String(decoding: bytes, as: UTF8.self),
            isReplayed: response.headers["idempotent-replayed"] == "true"
        )
    }
}

struct StripeAnswer: Sendable {
    let status: Int
    let text: String
    let isReplayed: Bool

    var json: JSONValue { (try? JSON.decode(JSONValue.self, from: Array(text.utf8))) ?? .null }

    subscript(name: String) -> JSONValue? { json[name] }
}

private struct CountIntents: Statement {
    static let sql = "SELECT count(*) FROM payment_intents"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 { try row[0] }
}

private struct CountCharges: Statement {
    static let sql = "SELECT count(*) FROM charges"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 { try row[0] }
}

private struct CountRefunds: Statement {
    static let sql = "SELECT count(*) FROM refunds"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 { try row[0] }
}
