import Contracts
import Postgres
import PostgresHarness
import Testing

@testable import ProductService

/// Two callers at a time, in the interleavings that matter, and many callers at once.
@Suite(.serialized) struct ProductRaceTests {
    private func reserve(_ order: OrderID, _ product: ProductID, _ pieces: Int64) throws
        -> ReserveStock
    {
        let line = OrderLine(productID: product, quantity: pieces)
        return ReserveStock(order: order, lines: try ReservationLines(Lines([line])))
    }

    // MARK: Two callers, the second blocked by the first

    @Test func `a release waits for the reservation under way and undoes it`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            let race = try await race(
                on: shop,
                reserve(order, a, 4),
                .commits,
                ReleaseStock(order: order)
            )
            #expect(race.first == [.held])
            #expect(race.second == [.restocked])
            #expect(try await shop.available(a) == 10)
        }
    }

    @Test func `a release leaves a tombstone when the reservation under way fails`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            let race = try await race(
                on: shop,
                reserve(order, a, 4),
                .rollsBack,
                ReleaseStock(order: order)
            )
            #expect(race.second == [.tombstone])
            #expect(try await shop.reserve(order, (a, 4)) == .released)
            #expect(try await shop.available(a) == 10)
        }
    }

    @Test func `a reservation waits for the release under way and is refused`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            let race = try await race(
                on: shop,
                ReleaseStock(order: order),
                .commits,
                reserve(order, a, 4)
            )
            #expect(race.first == [.tombstone])
            #expect(race.second == [.released])
            #expect(try await shop.available(a) == 10)
        }
    }

    @Test func `a reservation goes ahead when the release under way fails`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            let race = try await race(
                on: shop,
                ReleaseStock(order: order),
                .rollsBack,
                reserve(order, a, 4)
            )
            #expect(race.second == [.held])
            #expect(try await shop.available(a) == 6)
        }
    }

    @Test func `the same order reserved twice at once is held once`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            let race = try await race(
                on: shop,
                reserve(order, a, 4),
                .commits,
                reserve(order, a, 4)
            )
            #expect(race.first == [.held] && race.second == [.held])
            #expect(try await shop.available(a) == 6)
        }
    }

    @Test func `the second of two reservations goes ahead when the first fails`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            let race = try await race(
                on: shop,
                reserve(order, a, 4),
                .rollsBack,
                reserve(order, a, 4)
            )
            #expect(race.second == [.held])
            #expect(try await shop.available(a) == 6)
        }
    }

    @Test func `a short answer is the same for a rival that waited for it`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(3), OrderID.next())
            let race = try await race(
                on: shop,
                reserve(order, a, 4),
                .commits,
                reserve(order, a, 4)
            )
            let short = ShortLine(productID: a, requested: 4, available: 3)
            #expect(race.first == [.short([short])] && race.second == [.short([short])])
        }
    }

    @Test func `other lines are refused even while the first are being reserved`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            let race = try await race(
                on: shop,
                reserve(order, a, 4),
                .commits,
                reserve(order, a, 5)
            )
            #expect(race.second == [.mismatch])
            #expect(try await shop.available(a) == 6)
        }
    }

    @Test func `a second release waits for the first and gives nothing back`() async throws {
        try await withShop { shop in
            let (a, order) = (try await shop.stockUp(10), OrderID.next())
            _ = try await shop.reserve(order, (a, 4))
            let race = try await race(
                on: shop,
                ReleaseStock(order: order),
                .commits,
                ReleaseStock(order: order)
            )
            #expect(race.first == [.restocked] && race.second == [.alreadyReleased])
            #expect(try await shop.available(a) == 10)
        }
    }

    @Test func `the last piece goes to the first and the second is told there is none`()
        async throws
    {
        try await withShop { shop in
            let a = try await shop.stockUp(1)
            let race = try await race(
                on: shop,
                reserve(.next(), a, 1),
                .commits,
                reserve(.next(), a, 1)
            )
            let short = ShortLine(productID: a, requested: 1, available: 0)
            #expect(race.first == [.held] && race.second == [.short([short])])
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `a piece given back goes to the order that waited`() async throws {
        try await withShop { shop in
            let (a, first) = (try await shop.stockUp(1), OrderID.next())
            _ = try await shop.reserve(first, (a, 1))
            let race = try await race(
                on: shop,
                ReleaseStock(order: first),
                .commits,
                reserve(.next(), a, 1)
            )
            #expect(race.second == [.held])
            #expect(try await shop.available(a) == 0)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `one delivery sent twice at once is booked once`() async throws {
        try await withShop { shop in
            let (a, person) = (try await shop.stockUp(0), UserID.next())
            let deliver = {
                DeliverStock(
                    movement: UUIDv7.next(),
                    product: a,
                    quantity: 7,
                    person: person,
                    key: "k"
                )
            }
            let race = try await race(on: shop, deliver(), .commits, deliver())
            guard case .recorded(let receipt)? = race.first.first else {
                Issue.record("\(race)")
                return
            }
            #expect(race.second == [.replayed(receipt)])
            #expect(try await shop.available(a) == 7)
        }
    }

    // MARK: Many callers

    @Test func `reservations and releases of the same orders leave nothing behind`() async throws {
        try await withShop { shop in
            let (a, b) = (try await shop.stockUp(1_000), try await shop.stockUp(1_000))
            let orders = (0..<150).map { _ in OrderID.next() }
            let jobs = orders.flatMap { order -> [@Sendable () async throws -> Bool] in
                let reserve: @Sendable () async throws -> Bool = {
                    let outcome = try await shop.reserve(order, (b, 2), (a, 1))
                    return outcome == .held || outcome == .released
                }
                let release: @Sendable () async throws -> Bool = {
                    try await shop.release(order) != .short
                }
                return [reserve, reserve, release, release].shuffled()
            }
            let answers = try await concurrently(jobs)
            #expect(answers.allSatisfy { $0 })
            for order in orders.prefix(20) {
                #expect(try await shop.reserve(order, (a, 1), (b, 2)) == .released)
            }
            #expect(try await shop.available(a) == 1_000)
            #expect(try await shop.available(b) == 1_000)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `exactly as many orders are held as there are pieces`() async throws {
        try await withShop { shop in
            let a = try await shop.stockUp(37)
            let outcomes = try await concurrently(
                (0..<120).map { _ in { @Sendable in try await shop.reserve(.next(), (a, 1)) } }
            )
            #expect(outcomes.filter { $0 == .held }.count == 37)
            let short = ShortLine(productID: a, requested: 1, available: 0)
            #expect(outcomes.filter { $0 == .short([short]) }.count == 83)
            #expect(try await shop.available(a) == 0)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `orders over the same products never deadlock, however their lines are sorted`()
        async throws
    {
        try await withShop { shop in
            var products: [ProductID] = []
            for _ in 0..<6 { products.append(try await shop.stockUp(400)) }
            let goods = products
            // A deadlock would throw `.serialization`, and an order is released as often as it is not.
            let released = try await concurrently(
                (0..<240).map { number in
                    { @Sendable in
                        let order = OrderID.next()
                        let lines = goods.shuffled().prefix(4).map { ($0, Int64.random(in: 1...3)) }
                        _ = try await shop.reserve(order, lines)
                        guard number.isMultiple(of: 2) else { return 0 }
                        _ = try await shop.release(order)
                        return 1
                    }
                }
            )
            #expect(released.reduce(0, +) == 120)
            #expect(try await shop.discrepancies() == 0)
        }
    }

    @Test func `deliveries and sales of the same product add up`() async throws {
        try await withShop { shop in
            let a = try await shop.stockUp(0)
            let person = UserID.next()
            _ = try await concurrently(
                (0..<100).map { number in
                    { @Sendable in
                        if number.isMultiple(of: 2) {
                            let delivery = DeliverStock(
                                movement: UUIDv7.next(),
                                product: a,
                                quantity: 3,
                                person: person,
                                key: "delivery-\(number / 4)"
                            )
                            _ = try await shop.one(delivery)
                        } else {
                            _ = try await shop.reserve(.next(), (a, 2))
                        }
                    }
                }
            )
            #expect(try await shop.discrepancies() == 0)
        }
    }
}
