import Contracts
import FoundationEssentials
import Postgres
import PostgresHarness
import Reactor
import Synchronization
import Testing

@testable import ProductService

/// A shop with a database of its own, and enough connections that callers really race.
///
/// A connection answers one statement after the other, so statements race only on different ones:
/// each loop has its own, and `statement`s sent from `concurrently` take loops in turn.
func withShop(_ body: @escaping @Sendable (Database) async throws -> Void) async throws {
    try await withDatabase(migrations: Migrations.all, loops: 6, timeout: .seconds(20), body)
}

/// Runs all of `work` at once, away from the event loops, and gives the results in its order.
func concurrently<T: Sendable>(_ work: [@Sendable () async throws -> T]) async throws -> [T] {
    try await withThrowingTaskGroup(of: (Int, T).self) { group in
        for (index, job) in work.enumerated() {
            group.addTask(executorPreference: globalConcurrentExecutor) {
                (index, try await job())
            }
        }
        var results: [(Int, T)] = []
        for try await result in group { results.append(result) }
        return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
}

extension Database {
    /// Adds a product with so many pieces.
    func stockUp(_ pieces: Int64, title: String = "Kettle") async throws -> ProductID {
        let draft = ProductDraft(
            title: title,
            brand: "Kettlemoor",
            category: "Appliances",
            priceCents: 6900,
            description: "Boils.",
            attributes: nil,
            stock: pieces
        )
        let product = try await one(InsertProduct(id: .next(), draft: draft, person: .next()))
        return try #require(product).id
    }

    func reserve(_ order: OrderID, _ lines: (ProductID, Int64)...) async throws
        -> ReservationOutcome
    {
        try await reserve(order, lines)
    }

    func reserve(_ order: OrderID, _ lines: [(ProductID, Int64)]) async throws
        -> ReservationOutcome
    {
        let wanted = try ReservationLines(
            Lines(lines.map { OrderLine(productID: $0, quantity: $1) })
        )
        return try ReservationOutcome(
            rows: try await all(ReserveStock(order: order, lines: wanted))
        )
    }

    func release(_ order: OrderID) async throws -> ReleaseOutcome? {
        try await one(ReleaseStock(order: order))
    }

    func available(_ product: ProductID) async throws -> Int64? {
        try await one(FindProduct(id: product))?.available
    }

    /// How many products do not add up: what came in is not what is there plus what is held.
    func discrepancies() async throws -> Int {
        try #require(try await one(CountDiscrepancies()))
    }
}

/// Counts products of which stock, deliveries and held reservations do not add up.
private struct CountDiscrepancies: Statement {
    static let sql = """
        SELECT count(*) FROM stock s
        LEFT JOIN (SELECT product_id, sum(quantity) AS came FROM stock_movements GROUP BY 1) m
            USING (product_id)
        LEFT JOIN (
            SELECT l.product_id, sum(l.quantity) AS held
            FROM reservation_lines l JOIN reservations r USING (order_id)
            WHERE r.status = 'held' GROUP BY 1) h USING (product_id)
        WHERE coalesce(m.came, 0) <> s.available + coalesce(h.held, 0)
        """
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}

/// Counts the sessions that wait for a lock which this one has.
///
/// From `pg_locks`, which is read anew each time; `pg_stat_activity` is one snapshot for the whole of a
/// transaction and would never show a rival that connected after the first look.
private struct CountBlocked: Statement {
    static let sql = """
        SELECT count(*) FROM pg_locks
        WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
        """
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int { try row[0] }
}

/// How the first of two rivals ends its transaction.
enum Ending { case commits, rollsBack }

/// A race whose second is a statement.
func race<First: Statement, Second: Statement>(
    on database: Database,
    _ first: First,
    _ ending: Ending,
    _ second: Second
) async throws -> (first: [First.Output], second: [Second.Output]) {
    try await race(on: database, first, ending) { try await database.all(second) }
}

/// Runs `first` in a transaction, starts `second` on another connection, waits until the server says
/// that it is blocked, and only then ends the first: the interleaving that races are about, every time.
func race<First: Statement, Second: Sendable>(
    on database: Database,
    _ first: First,
    _ ending: Ending,
    _ second: @escaping @Sendable () async throws -> Second
) async throws -> (first: [First.Output], second: Second) {
    let rival = Mutex<Task<Second, any Error>?>(nil)
    let firstRows = Mutex<[First.Output]>([])
    do throws(DatabaseError) {
        try await database.transaction { tx throws(DatabaseError) in
            let rows = try await tx.all(first)
            firstRows.withLock { $0 = rows }
            let started = Task.detached { try await second() }
            rival.withLock { $0 = started }
            let deadline = Deadline.after(.seconds(15))
            while try await tx.one(CountBlocked()) == 0 {
                guard !deadline.hasPassed else { throw .timedOut }
                try? await Task.sleep(for: .milliseconds(2))
            }
            if ending == .rollsBack { throw .overloaded }
        }
    } catch {
        guard ending == .rollsBack, error == .overloaded else { throw error }
    }
    let task = try #require(rival.withLock { $0 })
    return (firstRows.withLock { $0 }, try await task.value)
}
