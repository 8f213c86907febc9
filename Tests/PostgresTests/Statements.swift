import FoundationEssentials
import Postgres
import PostgresHarness

// The statements of these tests.

struct Echo<Value: PostgresValue & Equatable>: Statement {
    static var sql: String { "SELECT $1" }
    let value: Value
    func bind(_ parameters: inout Parameters) { parameters.append(value) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Value { try row[0] }
}

struct Sleep: Statement {
    static let sql = "SELECT pg_sleep($1)"
    let seconds: Double
    func bind(_ parameters: inout Parameters) { parameters.append(seconds) }
}

struct DivideByZero: Statement {
    static let sql = "SELECT 1 / ($1::bigint - $1::bigint)"
    func bind(_ parameters: inout Parameters) { parameters.append(7) }
}

struct Malformed: Statement {
    static let sql = "SELEKT 1"
}

struct BackendProcess: Statement {
    static let sql = "SELECT pg_backend_pid()"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}

struct InsertAccount: Statement {
    static let sql = "INSERT INTO accounts (id, balance_cents) VALUES ($1, $2)"
    let id: Int
    let balance: Int
    func bind(_ parameters: inout Parameters) { parameters.append(id, balance) }
}

struct AddToAccount: Statement {
    static let sql = """
        UPDATE accounts SET balance_cents = balance_cents + $2 WHERE id = $1
        RETURNING balance_cents
        """
    let id: Int
    let amount: Int
    func bind(_ parameters: inout Parameters) { parameters.append(id, amount) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}

struct FindBalance: Statement {
    static let sql = "SELECT balance_cents FROM accounts WHERE id = $1"
    let id: Int
    func bind(_ parameters: inout Parameters) { parameters.append(id) }
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}

struct CountAccounts: Statement {
    static let sql = "SELECT count(*), sum(balance_cents) FROM accounts"
    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> (count: Int, total: Int?) {
        (count: try row[0], total: try row[1])
    }
}

struct InsertTransfer: Statement {
    static let sql = "INSERT INTO transfers (account_id) VALUES ($1)"
    let account: Int
    func bind(_ parameters: inout Parameters) { parameters.append(account) }
}

extension Migration {
    static let accounts = Migration(
        name: "v0001_accounts",
        sql: """
            CREATE TABLE accounts (
                id bigint CONSTRAINT accounts_id PRIMARY KEY,
                balance_cents bigint NOT NULL CONSTRAINT accounts_covered CHECK (balance_cents >= 0)
            );
            CREATE TABLE transfers (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                account_id bigint NOT NULL CONSTRAINT transfers_account
                    REFERENCES accounts DEFERRABLE INITIALLY DEFERRED
            );
            """
    )
}
