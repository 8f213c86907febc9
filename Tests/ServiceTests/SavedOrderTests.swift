import Contracts
import FoundationEssentials
import HTTP
import Postgres
import Reactor
import Testing

@testable import OrderService

@Suite struct SavedOrderTests {
    private static let customer = UserID("0190c3f0-0000-7000-8000-000000000001") ?? .next()

    private static func key(_ text: String) throws -> IdempotencyKey {
        try #require(IdempotencyKey(rawValue: text))
    }

    static func saved(_ fingerprint: [UInt8] = [1, 2, 3]) throws -> SavedOrder {
        let key = try Self.key("k-1")
        let now = Date.now
        let order = Order(
            id: .naming(Self.customer, key),
            customer: Self.customer,
            status: .pending,
            total: Money(cents: 2100),
            paymentMethod: "pm_card_visa",
            shippingAddress: ShippingAddress(
                name: nil,
                line1: "1 Main Street ü",
                line2: nil,
                city: "Springfield",
                postalCode: nil,
                country: "US"
            ),
            lines: [
                QuotedLine(
                    productID: .next(),
                    title: "Kettle \"2\"\n",
                    quantity: 2,
                    unitPriceCents: 1050,
                    currency: "USD"
                )
            ],
            reason: nil,
            createdAt: now,
            updatedAt: now
        )
        return SavedOrder(order, key: key, fingerprint: fingerprint)
    }

    @Test func `the same customer and key name the same order, on every replica and for ever`()
        throws
    {
        let id = OrderID.naming(Self.customer, try Self.key("k-1"))
        // A constant: were it to change with a release, old journals would place orders anew.
        #expect(id.description == "f82ebe14-946e-8033-8c34-74daad163a34")
        #expect(id == .naming(Self.customer, try Self.key("k-1")))
        #expect(id != .naming(Self.customer, try Self.key("k-2")))
        #expect(id != .naming(.next(), try Self.key("k-1")))
        #expect(Array(id.description)[14] == "8")
        #expect("89ab".contains(Array(id.description)[19]))
    }

    @Test func `an id tells whose it could be`() throws {
        for number in 0..<200 {
            let id = OrderID.naming(Self.customer, try Self.key("k-\(number)"))
            #expect(id.couldBelong(to: Self.customer))
            #expect(!id.couldBelong(to: .next()))
            #expect(!OrderID.next().couldBelong(to: Self.customer))
        }
    }

    @Test func `a saved order reads from the journal exactly as it was saved`() throws {
        for _ in 0..<100 {
            let saved = try Self.saved()
            let text = try JSON.encode(saved)
            let read = try JSON.decode(SavedOrder.self, from: text)
            #expect(read == saved)
            #expect(try JSON.encode(read.document) == JSON.encode(saved.document))
            #expect(!text.contains(0xFF))
        }
    }

    @Test func `a saved order says so, in the words of the shop`() throws {
        let body = try JSON.decode(JSONValue.self, from: JSON.encode(try Self.saved().document))
        #expect(body["status"] == "saved")
        #expect(
            body["message"]
                == "We're experiencing temporary issues. Your order has been saved and will be processed shortly."
        )
        #expect(body["total_cents"] == 2100)
    }

    private static let errors: [DatabaseError] = [
        .unavailable("x"), .timedOut, .cancelled, .overloaded, .serialization, .outcomeUnknown,
        .constraint(name: "x", kind: .check), .server(sqlState: "42P01", message: "x"),
        .decoding("x"),
    ]

    @Test func `what is placed, the same or lost is forgotten; everything else is kept`() throws {
        let saved = try Self.saved([1])
        let attempts: [(Replay.Attempt, Replay)] =
            [
                (.inserted, .placed), (.taken([1]), .same), (.taken([2]), .lost),
                (.taken([]), .lost),
            ]
        for (attempt, replay) in attempts {
            #expect(Replay(saved, after: attempt) == replay)
            #expect(replay.isSettled)
        }
        #expect(!Replay(saved, after: .taken(nil)).isSettled)
        for error in Self.errors {
            let replay = Replay(saved, after: .failed(error))
            #expect(!replay.isSettled, "\(error)")
            let isWeather =
                switch error {
                case .constraint, .server, .decoding: false
                default: true
                }
            #expect((replay == .later) == isWeather, "\(error)")
        }
    }

    @Test func `only a database out of reach is a reason to save`() {
        #expect(
            Self.errors.filter(\.meansUnreachable)
                == [.unavailable("x"), .timedOut, .outcomeUnknown]
        )
    }

    @Test func `prices are remembered for a while, and only whole checkouts are quoted`() {
        var memory = PriceMemory()
        let (first, second) = (ProductID.next(), ProductID.next())
        let line = QuotedLine(
            productID: first,
            title: "Kettle",
            quantity: 1,
            unitPriceCents: 5,
            currency: "USD"
        )
        let now = Deadline.now
        memory.remember(Quote([line]), at: now)
        let wanted = OrderLine(productID: first, quantity: 3)
        let quote = memory.quote([wanted], at: now)
        #expect(quote?.lines.map(\.quantity) == [3])
        #expect(quote?.lines.map(\.unitPriceCents) == [5])
        let unknown = OrderLine(productID: second, quantity: 1)
        #expect(memory.quote([wanted, unknown], at: now) == nil)
        #expect(memory.quote([wanted], at: now.advanced(by: PriceMemory.age)) == nil)
        let many = (0..<PriceMemory.maxProducts).map { _ in
            QuotedLine(
                productID: .next(),
                title: "x",
                quantity: 1,
                unitPriceCents: 1,
                currency: "USD"
            )
        }
        memory.remember(Quote(many), at: now)
        #expect(memory.quote([wanted], at: now) == nil)
        #expect(memory.quote([OrderLine(productID: many[0].productID, quantity: 1)]) != nil)
    }
}
