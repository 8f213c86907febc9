import Contracts
import Postgres
import PostgresHarness
import Testing

@testable import ProductService

/// Many orders reserved in one transaction.
@Suite(.serialized) struct ProductBatchTests {
    private func wanted(_ lines: (ProductID, Int64)...) throws -> WantedReservation {
        try wanted(.next(), lines)
    }

    private func wanted(
        _ order: OrderID,
        _ lines: [(ProductID, Int64)]
    ) throws -> WantedReservation {
        let lines = lines.map { OrderLine(productID: $0, quantity: $1) }
        return WantedReservation(order: order, lines: try ReservationLines(Lines(lines)))
    }

    @Test func `orders of one batch are served in their order, each all or nothing`() async throws {
        try await withShop { shop in
            let (a, b) = (try await shop.stockUp(5), try await shop.stockUp(2))
            let outcomes = try await shop.reserve([
                wanted((a, 3), (b, 1)), wanted((a, 1), (b, 2)), wanted((a, 2), (b, 1)),
                wanted((a, 1)), wanted((ProductID.next(), 1)),
            ])
            #expect(outcomes[0] == .held)
            #expect(outcomes[1] == .short([ShortLine(productID: b, requested: 2, available: 1)]))
            #expect(outcomes[2] == .held)
            #expect(outcomes[3] == .short([ShortLine(productID: a, requested: 1, available: 0)]))
            guard case .short(let unknown) = outcomes[4] else {
                Issue.record("an unknown product was held")
                return
            }
            #expect(unknown.map(\.available) == [0])
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `a batch gives recorded answers again beside new ones`() async throws {
        try await withShop { shop in
            let a = try await shop.stockUp(10)
            let (held, released, short) = (OrderID.next(), OrderID.next(), OrderID.next())
            #expect(try await shop.reserve(held, (a, 4)) == .held)
            #expect(try await shop.release(released) == .tombstone)
            let scarce = ShortLine(productID: a, requested: 7, available: 6)
            #expect(try await shop.reserve(short, (a, 7)) == .short([scarce]))
            let outcomes = try await shop.reserve([
                wanted(short, [(a, 7)]), wanted((a, 2)), wanted(released, [(a, 1)]),
                wanted(held, [(a, 4)]),
            ])
            #expect(outcomes == [.short([scarce]), .held, .released, .held])
            #expect(try await shop.reserve([wanted(held, [(a, 5)])]) == [.mismatch])
            #expect(try await shop.available(a) == 4)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `a batch answers what the same orders get one by one`() async throws {
        try await withShop { shop in
            for _ in 0..<20 {
                var twins: [(ProductID, ProductID)] = []
                for _ in 0..<4 {
                    let pieces = Int64.random(in: 0...12)
                    twins.append((try await shop.stockUp(pieces), try await shop.stockUp(pieces)))
                }
                twins.sort { $0.0 < $1.0 }
                let orders = (0..<8).map { _ in
                    twins.indices.shuffled().prefix(.random(in: 1...3)).sorted()
                        .map { ($0, Int64.random(in: 1...4)) }
                }
                let batch = try await shop.reserve(
                    orders.map { order in
                        try wanted(.next(), order.map { (twins[$0.0].0, $0.1) })
                    }
                )
                for (order, outcome) in zip(orders, batch) {
                    let alone = try await shop.reserve(
                        .next(),
                        order.map { (twins[$0.0].1, $0.1) }
                    )
                    #expect(alone.shape(twins.map(\.1)) == outcome.shape(twins.map(\.0)))
                }
            }
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `fifty orders at once over few items sell exactly the stock`() async throws {
        try await withShop { shop in
            var products: [ProductID] = []
            for _ in 0..<3 { products.append(try await shop.stockUp(20)) }
            // Two replicas, each with batches of its own.
            let replicas = [
                ProductRoutes(store: Store(shop)), ProductRoutes(store: Store(shop)),
            ]
            let outcomes = try await concurrently(
                (0..<50).map { number in
                    let lines = products.shuffled().map { ($0, Int64(1)) }
                    let wanted = try wanted(.next(), lines)
                    let batcher = replicas[number % 2].reservations
                    return { try await batcher.submit(wanted, key: wanted.order) }
                }
            )
            #expect(outcomes.count { $0 == .held } == 20)
            #expect(
                outcomes.count {
                    guard case .short = $0 else { return false }
                    return true
                } == 30
            )
            for product in products { #expect(try await shop.available(product) == 0) }
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `one order asked for many times at once is held once`() async throws {
        try await withShop { shop in
            let a = try await shop.stockUp(100)
            let order = try wanted((a, 3))
            let batcher = ProductRoutes(store: Store(shop)).reservations
            let outcomes = try await concurrently(
                (0..<20).map { _ in { try await batcher.submit(order, key: order.order) } }
            )
            #expect(outcomes == Array(repeating: .held, count: 20))
            #expect(try await shop.available(a) == 97)
        }
    }
}

extension ReservationOutcome {
    /// The outcome with products as places in a list, to compare shops with each other.
    fileprivate func shape(_ products: [ProductID]) -> [[Int64]] {
        guard case .short(let lines) = self else { return self == .held ? [] : [[-1]] }
        return lines.map { line in
            [Int64(products.firstIndex(of: line.productID) ?? -1), line.requested, line.available]
        }.sorted { $0[0] < $1[0] }
    }
}
