import Contracts
import HTTP
import Mesh
import Reactor
import Sagas
import ServiceKit
import Testing

@testable import OrderService

@Suite struct OrderDomainTests {
    private static let address = ShippingAddress(
        name: nil,
        line1: "1 Main Street",
        line2: nil,
        city: "Springfield",
        postalCode: nil,
        country: "US"
    )
    private let first = ProductID.next()
    private let second = ProductID.next()

    private func request(
        _ items: [OrderLine],
        card: String = "pm_card_visa",
        address: ShippingAddress = address
    ) -> CheckoutRequest {
        CheckoutRequest(items: items, paymentMethod: card, shippingAddress: address)
    }

    private func line(_ product: ProductID, _ quantity: Int64) -> OrderLine {
        OrderLine(productID: product, quantity: quantity)
    }

    private func pointers(_ request: CheckoutRequest) -> [String] {
        do throws(Problem) {
            _ = try Checkout(request)
            return []
        } catch {
            #expect(error.status == .unprocessable)
            return error.errors.map(\.pointer)
        }
    }

    @Test func `lines of one product are added up where it was first mentioned`() throws {
        let checkout = try Checkout(request([line(first, 1), line(second, 2), line(first, 3)]))
        #expect(checkout.lines == [line(first, 4), line(second, 2)])
        #expect(checkout.positions == [0, 1])
    }

    @Test func `adding up cannot go past what one line may ask for`() {
        let most = Checkout.maxQuantity
        #expect(pointers(request([line(first, most), line(first, 1)])) == ["/items/1/quantity"])
        #expect(pointers(request([line(first, most)])) == [])
    }

    @Test(arguments: [Int64.min, -1, 0, Checkout.maxQuantity + 1, 1_000_000_000, .max])
    func `a quantity that makes no sense is named`(quantity: Int64) {
        #expect(
            pointers(request([line(first, 1), line(second, quantity)])) == ["/items/1/quantity"]
        )
    }

    @Test func `no lines and a hundred and one lines are refused, a hundred are not`() {
        #expect(pointers(request([])) == ["/items"])
        let many = (0...Checkout.maxLines).map { _ in line(.next(), 1) }
        #expect(pointers(request(many)) == ["/items"])
        #expect(pointers(request(Array(many.dropLast()))) == [])
    }

    @Test(arguments: [
        "", "pm_", "4242424242424242", "pm_card visa", "PM_card", "pm_ü",
        "pm_4242424242424242",
    ])
    func `what is no payment method token is refused and not repeated`(card: String) {
        #expect(pointers(request([line(first, 1)], card: card)) == ["/payment_method"])
    }

    @Test func `every wrong field of an address is named`() {
        let address = ShippingAddress(
            name: "",
            line1: "a\u{0}b",
            line2: nil,
            city: String(repeating: "x", count: 201),
            postalCode: nil,
            country: "us"
        )
        #expect(
            pointers(request([line(first, 1)], address: address)) == [
                "/shipping_address/name", "/shipping_address/line1", "/shipping_address/city",
                "/shipping_address/country",
            ]
        )
    }

    @Test func `a sum that does not fit or cannot be charged is no order`() throws {
        func order(_ quantity: Int64, at cents: Int64) throws -> Order? {
            let line = QuotedLine(
                productID: first,
                title: "x",
                quantity: quantity,
                unitPriceCents: cents,
                currency: "USD"
            )
            let checkout = try Checkout(request([self.line(first, quantity)]))
            return Order(placing: checkout, quote: Quote([line]), by: .next(), as: .next())
        }
        let most = ChargeRequest.maxAmountCents
        for cents in [.max, most, most / 2 + 1] { #expect(try order(2, at: cents) == nil) }
        #expect(try order(2, at: most / 2)?.total.cents == most - 1)
        #expect(try order(2, at: 1050)?.total.cents == 2100)
        // The highest price in the catalog, and what would be one cent too much there.
        #expect(try order(1, at: most)?.total.cents == most)
        #expect(try order(1, at: most + 1) == nil)
    }

    @Test func `the catalog's lines are the client's items`() {
        #expect(CatalogClient.pointer("/lines/1/product_id", [0, 4]) == "/items/4/product_id")
        #expect(CatalogClient.pointer("/lines/2/product_id", [0, 4]) == "/items")
        #expect(CatalogClient.pointer("/other", [0]) == "/items")
    }

    @Test(arguments: [
        (["wait=3"], Duration.seconds(3)), (["wait=60"], .seconds(10)), ([], .seconds(5)),
        (["respond-async"], .zero), (["wait=-1"], .seconds(5)), (["wait=soon"], .seconds(5)),
        (["return=minimal, Wait=2"], .seconds(2)), (["foo", "respond-async"], .zero),
        (["wait=99999999999999999999"], .seconds(5)),
    ])
    func `a preference for waiting is read as RFC 7240 says`(values: [String], wait: Duration) {
        var headers: Headers = [:]
        for value in values { headers.add(.prefer, value) }
        #expect(WaitPreference.of(Request(.post, "/orders", headers: headers)) == wait)
    }

    @Test func `a wait ends before its caller's time does`() {
        let request = Request(.post, "/orders", headers: [.prefer: "wait=10"])
        let wait = WaitPreference.of(request, until: .after(.seconds(4)))
        #expect(wait > .seconds(2) && wait <= .seconds(4) - WaitPreference.margin)
        #expect(WaitPreference.of(request, until: .now) == .zero)
        #expect(WaitPreference.of(request, until: .after(.seconds(60))) == .seconds(10))
    }

    @Test func `a replica's worth of sagas may ask, few of them at a time`() {
        let calls = OrderService.calls
        #expect(calls.maxInFlight == 48 && calls.maxQueue == 2_048)
        #expect(calls.maxQueue >= SagaPolicy().maxDriven)
    }

    @Test func `an idempotency key is sent once and visible`() throws {
        func key(_ values: String...) -> Result<IdempotencyKey, Problem> {
            var headers: Headers = [:]
            for value in values { headers.add(.idempotencyKey, value) }
            let request = Request(.post, "/orders", headers: headers)
            return Result { () throws(Problem) in try IdempotencyKey(of: request) }
        }
        #expect(try key("a").get().rawValue == "a")
        #expect(try key(String(repeating: "k", count: 255)).get().rawValue.count == 255)
        for bad in [
            key(), key("a", "a"), key(""), key(String(repeating: "k", count: 256)), key("a b"),
        ] {
            #expect(throws: Problem.self) { try bad.get() }
        }
    }

    @Test(arguments: [
        (Refusal(reason: "out-of-stock", detail: #"{"short":[]}"#), 409, "/problems/out-of-stock"),
        (
            Refusal(reason: "card-declined", detail: #"{"decline_code":"x"}"#), 402,
            "/problems/card-declined"
        ),
        (Refusal(reason: "unknown-payment-method"), 422, "/problems/unknown-payment-method"),
        (.timedOut, 504, "/problems/order-timed-out"),
        (Refusal(reason: "reservation-released"), 409, "/problems/order-rejected"),
    ])
    func `each refusal has its answer, with the order's id`(
        refusal: Refusal,
        status: Int,
        type: String
    ) throws {
        let checkout = try Checkout(request([line(first, 1)]))
        let order = try #require(
            Order(placing: checkout, quote: Quote([]), by: .next(), as: .next())
        )
        let answer = OrderAnswer.rejected(order.ended(.rejected, because: refusal.reason), refusal)
        #expect(answer.status == status)
        let body = try JSON.decode(JSONValue.self, from: answer.body)
        #expect(body["type"]?.string == type)
        #expect(body["order_id"]?.string == order.id.description)
        let replay = answer.response(for: order.id, isReplay: true)
        #expect(replay.headers["idempotency-replayed"] == "true")
        #expect(replay.headers[.contentType] == "application/problem+json")
    }

    @Test func `sagas are fenced unless that is left out, and nothing else leaves it out`() throws {
        func isFenced(_ missing: Set<Guard>) throws -> Bool {
            try OrderConfiguration(Environment([:]), without: Ablation(missing)).sagas.isFenced
        }
        #expect(try isFenced([]) && !isFenced([.fencing]))
        #expect(try isFenced(Set(Guard.allCases).subtracting([.fencing])))
    }
}
