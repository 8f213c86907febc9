import Contracts
import HTTP
import Postgres
import Reactor
import Testing

@testable import PaymentProvider
@testable import PaymentService

/// A discrepancy as tests compare it.
struct Finding: Equatable, Sendable {
    let kind: Discrepancy.Kind
    let state: Discrepancy.State
    /// What one of the two sides says, or both if there is a second amount.
    let cents: Set<Int64>

    init(_ kind: Discrepancy.Kind, _ state: Discrepancy.State, _ cents: Int64) {
        self.kind = kind
        self.state = state
        self.cents = [0, cents]
    }

    init(
        _ kind: Discrepancy.Kind,
        _ state: Discrepancy.State,
        _ ours: Int64,
        _ theirs: Int64
    ) {
        self.kind = kind
        self.state = state
        cents = [0, ours, theirs]
    }

    init(_ found: Discrepancy) {
        kind = found.kind
        state = found.state
        cents = [0, found.ourCents, found.providerCents]
    }
}

extension PaymentWorld {
    /// Everything so far happened some time earlier.
    func age(_ seconds: Int64 = 100) async throws {
        try await payments.run(AgeRows(seconds: Double(seconds)))
        try await sandbox.run(AgeIntents(seconds: seconds))
        try await sandbox.run(AgeRefunds(seconds: seconds))
    }

    /// What was found, oldest first.
    func findings() async throws -> [Finding] {
        var page = try DiscrepancyPage(query: [(name: "state", value: "all")])
        page.limit = 10_000
        let found = try await payments.all(SelectDiscrepancies(page: page))
        return found.reversed().map { Finding($0.discrepancy) }
    }

    /// Order by order, the provider keeps what the ledger says it keeps.
    func checkBooksAgree() async throws {
        let books = try await books()
        let charges = try await charges()
        for (order, row) in books {
            let kept = charges[order.description]?.kept ?? 0
            #expect(row.imbalance == 0 && row.clearing == kept, "\(order) is \(row.status)")
        }
    }

    /// Charges a card for an order behind our service's back, with our metadata.
    func takeMoney(for order: OrderID, key: String) async throws {
        let answer = try await post(
            "/v1/payment_intents",
            [
                "amount": "1999", "currency": "usd", "payment_method": "pm_card_visa",
                "confirm": "true", "metadata[order_id]": order.description,
                "metadata[payment_id]": order.description,
            ],
            key: key
        )
        #expect(answer.status == 200)
    }

    /// Asks the sandbox for something.
    func post(
        _ path: String,
        _ fields: [String: String],
        key: String
    ) async throws -> StripeResponse {
        var form = Form()
        for (name, value) in fields { form.append(name, value) }
        return try await line.send(StripeRequest(path: path, key: key, form: form))
    }

    /// The payment database comes back without its last commits.
    func loseBooks() async throws {
        for statement in LoseBooks.all { try await payments.run([statement]) }
    }

    /// Asks as the gateway does for somebody.
    func ops(_ path: String, as role: Role?) async throws -> PaymentAnswer {
        var headers: Headers = [:]
        if let role {
            headers["x-anyway-user"] = UserID.next().description
            headers["x-anyway-role"] = role.rawValue
        }
        return try await PaymentAnswer(
            routes,
            Request(.get, path, headers: headers, peerIdentity: "spiffe://anyway/gateway")
        )
    }
}

private struct AgeRows: Statement {
    static let sql = """
        UPDATE payments SET created_at = created_at - make_interval(secs => $1),
            updated_at = updated_at - make_interval(secs => $1)
        """
    let seconds: Double
    func bind(_ parameters: inout Parameters) { parameters.append(seconds) }
}

private struct AgeIntents: Statement {
    static let sql = "UPDATE payment_intents SET created = created - $1"
    let seconds: Int64
    func bind(_ parameters: inout Parameters) { parameters.append(seconds) }
}

private struct AgeRefunds: Statement {
    static let sql = "UPDATE refunds SET created = created - $1"
    let seconds: Int64
    func bind(_ parameters: inout Parameters) { parameters.append(seconds) }
}

/// Compares from the beginning again.
struct StartOver: Statement {
    static let sql = "UPDATE reconciliations SET through = NULL"
}

struct ForgetKeys: Statement {
    static let sql = "DELETE FROM idempotency_keys"
}

struct ForgetRefunds: Statement {
    static let sql = "DELETE FROM refunds"
}

struct ForgetRefunded: Statement {
    static let sql = "UPDATE charges SET amount_refunded = 0"
}

struct ChangeAmounts: Statement {
    static let sql = "UPDATE payment_intents SET amount = $1"
    let cents: Int64
    func bind(_ parameters: inout Parameters) { parameters.append(cents) }
}

enum ForgetIntents {
    static let all: [any Statement] = [Charges(), Intents()]
    private struct Charges: Statement { static let sql = "DELETE FROM charges" }
    private struct Intents: Statement { static let sql = "DELETE FROM payment_intents" }
}

private enum LoseBooks {
    static let all: [any Statement] = [Open(), Entries(), Payments(), Close()]
    private struct Open: Statement {
        static let sql = "ALTER TABLE ledger_entries DISABLE TRIGGER USER"
    }
    private struct Entries: Statement { static let sql = "DELETE FROM ledger_entries" }
    private struct Payments: Statement { static let sql = "DELETE FROM payments" }
    private struct Close: Statement {
        static let sql = "ALTER TABLE ledger_entries ENABLE TRIGGER USER"
    }
}
