import Contracts
import Postgres
import PostgresHarness
import Testing

@testable import ProductService

/// One caller at a time: what each operation answers.
@Suite struct ProductReservationTests {
    @Test func `a reservation takes all of its lines`() async throws {
        try await withShop { shop in
            let (a, b) = (try await shop.stockUp(10), try await shop.stockUp(5))
            #expect(try await shop.reserve(.next(), (a, 3), (b, 5)) == .held)
            #expect(try await shop.available(a) == 7)
            #expect(try await shop.available(b) == 0)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `one short line takes nothing and every short line is named`() async throws {
        try await withShop { shop in
            let (a, b, c) = (
                try await shop.stockUp(10), try await shop.stockUp(2), try await shop.stockUp(0)
            )
            let outcome = try await shop.reserve(.next(), (a, 10), (b, 3), (c, 1))
            #expect(
                outcome
                    == .short(
                        [
                            ShortLine(productID: b, requested: 3, available: 2),
                            ShortLine(productID: c, requested: 1, available: 0),
                        ].sorted { $0.productID < $1.productID }
                    )
            )
            #expect(try await shop.available(a) == 10)
            #expect(try await shop.available(b) == 2)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `a product that does not exist is short`() async throws {
        try await withShop { shop in
            let ghost = ProductID.next()
            let outcome = try await shop.reserve(.next(), (ghost, 1))
            #expect(outcome == .short([ShortLine(productID: ghost, requested: 1, available: 0)]))
        }
    }

    @Test func `asking again answers the same and takes nothing more`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            for _ in 0..<3 { #expect(try await shop.reserve(order, (a, 4)) == .held) }
            #expect(try await shop.available(a) == 6)
        }
    }

    @Test func `short is final, even when the shelf is filled meanwhile`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(1), OrderID.next())
            let short = try await shop.reserve(order, (a, 2))
            let delivery = DeliverStock(
                movement: UUIDv7.next(),
                product: a,
                quantity: 50,
                person: .next(),
                key: "k"
            )
            _ = try await shop.one(delivery)
            #expect(short == .short([ShortLine(productID: a, requested: 2, available: 1)]))
            #expect(try await shop.reserve(order, (a, 2)) == short)
            #expect(try await shop.available(a) == 51)
            #expect(try await shop.release(order) == .short)
            #expect(try await shop.reserve(order, (a, 2)) == short)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `the same order with other lines is refused, whatever became of it`() async throws {
        try await withShop { shop in
            let (a, b) = (try await shop.stockUp(10), try await shop.stockUp(1))
            let (held, short) = (OrderID.next(), OrderID.next())
            _ = try await shop.reserve(held, (a, 2))
            _ = try await shop.reserve(short, (b, 2))
            #expect(try await shop.reserve(held, (a, 3)) == .mismatch)
            #expect(try await shop.reserve(held, (b, 1)) == .mismatch)
            #expect(try await shop.reserve(held, (a, 2), (b, 1)) == .mismatch)
            #expect(try await shop.reserve(short, (b, 1)) == .mismatch)
            #expect(try await shop.available(a) == 8)
            #expect(try await shop.available(b) == 1)
        }
    }

    @Test func `a release gives back once`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            _ = try await shop.reserve(order, (a, 4))
            #expect(try await shop.release(order) == .restocked)
            #expect(try await shop.release(order) == .alreadyReleased)
            #expect(try await shop.available(a) == 10)
            #expect(try await shop.reserve(order, (a, 4)) == .released)
            #expect(try await shop.available(a) == 10)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `a release that comes first leaves a tombstone`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            #expect(try await shop.release(order) == .tombstone)
            #expect(try await shop.release(order) == .alreadyReleased)
            #expect(try await shop.reserve(order, (a, 1)) == .released)
            #expect(try await shop.available(a) == 10)
        }
    }

    @Test func `a delivery counts once per person and key`() async throws {
        try await withShop { shop in
            let (a, person) = (try await shop.stockUp(1), UserID.next())
            func deliver(_ pieces: Int64, _ key: String, by person: UserID) async throws
                -> DeliveryOutcome?
            {
                try await shop.one(
                    DeliverStock(
                        movement: UUIDv7.next(),
                        product: a,
                        quantity: pieces,
                        person: person,
                        key: key
                    )
                )
            }
            guard case .recorded(let receipt)? = try await deliver(5, "k", by: person) else {
                Issue.record("the first delivery was not recorded")
                return
            }
            #expect(receipt.availableAfter == 6 && receipt.quantity == 5)
            #expect(try await deliver(5, "k", by: person) == .replayed(receipt))
            #expect(try await deliver(6, "k", by: person) == .mismatch)
            _ = try await deliver(5, "k", by: .next())
            #expect(try await shop.available(a) == 11)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `nothing is delivered to a product that does not exist`() async throws {
        try await withShop { shop in
            let outcome = try await shop.one(
                DeliverStock(
                    movement: UUIDv7.next(),
                    product: .next(),
                    quantity: 1,
                    person: .next(),
                    key: "k"
                )
            )
            #expect(outcome == .unknownProduct)
        }
    }
}
