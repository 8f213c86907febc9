import Contracts
import HTTP
import Testing

@testable import PaymentService

/// The wire contract of the payment service, as order and gateway see it.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PaymentRoutesTests {
    @Test func `a charge answers its receipt, and the same again to the same again`() async throws {
        try await PaymentWorld.with { world in
            let order = OrderID.next()
            let charge = world.request(4200)
            let first = try await world.call(.put, order, charge)
            #expect(first.status == 200)
            #expect(first.json["order_id"]?.string == order.description)
            #expect(first.json["status"]?.string == "captured")
            #expect(first.json["amount_cents"]?.integer == 4200)
            #expect(first.json["currency"]?.string == "USD")
            #expect(first.json["payment_id"]?.string.flatMap(PaymentID.init) != nil)
            let again = try await world.call(.put, order, charge)
            #expect(again == first)
            #expect(world.line.log.count == 1)
        }
    }

    @Test func `a declined card is 402 with its code, for ever, and a void has nothing to do`()
        async throws
    {
        try await PaymentWorld.with { world in
            let order = OrderID.next()
            let charge = world.request(500, "pm_card_chargeDeclinedInsufficientFunds")
            for _ in 0..<2 {
                let answer = try await world.call(.put, order, charge)
                #expect(answer.status == 402)
                #expect(answer.json["type"]?.string == ProblemType.cardDeclined)
                #expect(answer.json["decline_code"]?.string == "insufficient_funds")
            }
            let void = try await world.call(.delete, order)
            #expect(void.status == 200)
            #expect(void.json["status"]?.string == "voided")
            #expect(try await world.call(.put, order, charge).status == 402)
            #expect(try await world.books()[order]?.captures == 0)
            #expect(world.line.log.count == 1)
        }
    }

    @Test func `a payment method that the provider does not know is 402 of its own type`()
        async throws
    {
        try await PaymentWorld.with { world in
            let answer = try await world.call(.put, .next(), world.request(500, "pm_card_nonsense"))
            #expect(answer.status == 402)
            #expect(answer.json["type"]?.string == ProblemType.unknownPaymentMethod)
            #expect(!answer.text.contains("nonsense"))
        }
    }

    @Test func `another amount, customer or card for the same order is 422`() async throws {
        try await PaymentWorld.with { world in
            let order = OrderID.next()
            let first = world.request(4200)
            #expect(try await world.call(.put, order, first).status == 200)
            let others = [
                ChargeRequest(
                    customerID: first.customerID,
                    amountCents: 4201,
                    currency: "USD",
                    paymentMethod: "pm_card_visa"
                ),
                ChargeRequest(
                    customerID: .next(),
                    amountCents: 4200,
                    currency: "USD",
                    paymentMethod: "pm_card_visa"
                ),
                ChargeRequest(
                    customerID: first.customerID,
                    amountCents: 4200,
                    currency: "USD",
                    paymentMethod: "pm_card_amex"
                ),
            ]
            for other in others {
                let answer = try await world.call(.put, order, other)
                #expect(answer.status == 422)
                #expect(answer.json["type"]?.string == ProblemType.paymentMismatch)
            }
            #expect(try await world.books()[order]?.clearing == 4200)
        }
    }

    @Test func `a void refunds a capture once and answers the same ever after`() async throws {
        try await PaymentWorld.with { world in
            let order = OrderID.next()
            let charge = world.request(4200)
            _ = try await world.call(.put, order, charge)
            for _ in 0..<3 {
                let answer = try await world.call(.delete, order)
                #expect(answer.status == 200)
                #expect(answer.json["status"]?.string == "refunded")
            }
            let late = try await world.call(.put, order, charge)
            #expect(late.status == 409)
            #expect(late.json["type"]?.string == ProblemType.paymentVoided)
            let books = try #require(try await world.books()[order])
            #expect(books.captures == 1 && books.refunds == 1 && books.clearing == 0)
            #expect(try await world.charges()[order.description]?.kept == 0)
        }
    }

    @Test func `a void of nothing leaves a tombstone`() async throws {
        try await PaymentWorld.with { world in
            let order = OrderID.next()
            let void = try await world.call(.delete, order)
            #expect(void.status == 200)
            #expect(void.json["status"]?.string == "voided")
            let late = try await world.call(.put, order, world.request())
            #expect(late.status == 409)
            #expect(late.json["type"]?.string == ProblemType.paymentVoided)
            // Nobody pays for it, so only an administrator sees it.
            #expect(try await world.show(order, as: .next()).status == 404)
            #expect(try await world.show(order, as: .next(), role: .admin).status == 200)
        }
    }

    @Test(arguments: [
        Faults(requestLost: 100), Faults(replyLost: 100), Faults(refused: 100),
    ])
    func `no definite answer is 503, and asking again settles it`(faults: Faults) async throws {
        try await PaymentWorld.with(faults: faults) { world in
            let order = OrderID.next()
            let charge = world.request()
            let unknown = try await world.call(.put, order, charge)
            #expect(unknown.status == 503)
            #expect(unknown.retryAfter == "1")
            #expect(
                try await world.show(order, as: charge.customerID).json["status"]?.string
                    == "processing"
            )
            world.line.set(.none)
            #expect(try await world.call(.put, order, charge).status == 200)
            #expect(Set(world.line.log.map(\.key)).count == 1)
            #expect(try await world.charges()[order.description]?.count == 1)
        }
    }

    @Test func `a void that cannot be done yet is 503, and the charge stays refused meanwhile`()
        async throws
    {
        try await PaymentWorld.with(faults: Faults(requestLost: 100)) { world in
            let order = OrderID.next()
            let charge = world.request()
            #expect(try await world.call(.put, order, charge).status == 503)
            #expect(try await world.call(.delete, order).status == 503)
            #expect(try await world.call(.put, order, charge).status == 409)
            #expect(
                try await world.show(order, as: charge.customerID).json["status"]?.string
                    == "processing"
            )
            world.line.set(.none)
            let void = try await world.call(.delete, order)
            #expect(void.json["status"]?.string == "voided")
        }
    }

    @Test func `only the customer and administrators see a payment`() async throws {
        try await PaymentWorld.with { world in
            let order = OrderID.next()
            let charge = world.request(4200)
            _ = try await world.call(.put, order, charge)
            let own = try await world.show(order, as: charge.customerID)
            #expect(own.status == 200)
            #expect(own.json["status"]?.string == "captured")
            #expect(own.json["amount_cents"]?.integer == 4200)
            #expect(own.json["refunded_cents"]?.integer == 0)
            #expect(own.json["currency"]?.string == "USD")
            #expect(own.json["decline_code"] == nil)
            #expect(try await world.show(order, as: .next()).status == 404)
            #expect(try await world.show(.next(), as: charge.customerID).status == 404)
            #expect(try await world.show(order, as: .next(), role: .admin).status == 200)
            _ = try await world.call(.delete, order)
            let refunded = try await world.show(order, as: charge.customerID)
            #expect(refunded.json["status"]?.string == "refunded")
            #expect(refunded.json["refunded_cents"]?.integer == 4200)
        }
    }

    @Test(arguments: [nil, "gateway", "product"])
    func `callers without the right certificate are refused`(caller: String?) async throws {
        try await PaymentWorld.with { world in
            let order = OrderID.next()
            let charge = try await world.call(.put, order, world.request(), from: caller)
            #expect(charge.status == 403)
            let void = try await world.call(.delete, order, from: caller)
            #expect(void.status == 403)
            #expect(try await world.books().isEmpty)
        }
    }

    @Test func `a payment is shown to the gateway, for somebody`() async throws {
        try await PaymentWorld.with { world in
            let other = try await world.call(.get, .next(), from: "order")
            #expect(other.status == 403)
            let nobody = try await world.call(.get, .next(), from: "gateway")
            #expect(nobody.status == 401)
        }
    }

    @Test(arguments: [
        (
            #"{"customer_id":"\#(id)","amount_cents":0,"currency":"USD","payment_method":"pm_card_visa"}"#,
            "/amount_cents"
        ),
        (
            #"{"customer_id":"\#(id)","amount_cents":-1,"currency":"USD","payment_method":"pm_card_visa"}"#,
            "/amount_cents"
        ),
        (
            #"{"customer_id":"\#(id)","amount_cents":100000000,"currency":"USD","payment_method":"pm_card_visa"}"#,
            "/amount_cents"
        ),
        (
            #"{"customer_id":"\#(id)","amount_cents":1.5,"currency":"USD","payment_method":"pm_card_visa"}"#,
            "/amount_cents"
        ),
        (
            #"{"customer_id":"\#(id)","amount_cents":5,"currency":"EUR","payment_method":"pm_card_visa"}"#,
            "/currency"
        ),
        (
            #"{"customer_id":"\#(id)","amount_cents":5,"currency":"USD","payment_method":"4242424242424242"}"#,
            "/payment_method"
        ),
        (
            #"{"customer_id":"\#(id)","amount_cents":5,"currency":"USD","payment_method":4242424242424242}"#,
            "/payment_method"
        ),
        (#"{"customer_id":"\#(id)","amount_cents":5,"currency":"USD"}"#, "/payment_method"),
        (
            #"{"customer_id":"7","amount_cents":5,"currency":"USD","payment_method":"pm_card_visa"}"#,
            "/customer_id"
        ),
    ])
    func `an unfit request is 422, names the field, shows no value and writes nothing`(
        body: String,
        pointer: String
    ) async throws {
        try await PaymentWorld.with { world in
            let answer = try await world.send(.put, .next(), Array(body.utf8), from: "order")
            #expect(answer.status == 422, "\(answer.text)")
            #expect(answer.json["errors"]?.array?.first?["pointer"]?.string == pointer)
            #expect(!answer.text.contains("42424242"))
            #expect(try await world.books().isEmpty)
            #expect(world.line.log.isEmpty)
        }
    }

    @Test func `what is not JSON, not small or not an order is refused`() async throws {
        try await PaymentWorld.with { world in
            let malformed = try await world.send(.put, .next(), Array("{".utf8), from: "order")
            #expect(malformed.status == 400)
            let space = [UInt8](repeating: 0x20, count: PaymentRoutes.bodyLimit + 1)
            let large = try await world.send(.put, .next(), space, from: "order")
            #expect(large.status == 413)
            let nowhere = try await world.answer(
                Request(.delete, "/payments/not-an-order", peerIdentity: "spiffe://anyway/order")
            )
            #expect(nowhere.status == 400)
            #expect(try await world.books().isEmpty)
        }
    }

    static let id = "01890a5d-ac96-774b-bcce-b302099a8057"
}

/// An answer, as a test looks at it.
struct PaymentAnswer: Equatable, Sendable {
    let status: Int
    let text: String
    let retryAfter: String?

    var json: JSONValue {
        (try? JSON.decode(JSONValue.self, from: Array(text.utf8))) ?? .null
    }
}

extension PaymentWorld {
    fileprivate func call(
        _ method: HTTP.Method,
        _ order: OrderID,
        _ charge: ChargeRequest? = nil,
        from caller: String? = "order"
    ) async throws -> PaymentAnswer {
        try await send(method, order, try charge.map { try JSON.encode($0) } ?? [], from: caller)
    }

    fileprivate func show(
        _ order: OrderID,
        as user: UserID,
        role: Role = .customer
    ) async throws -> PaymentAnswer {
        try await answer(
            Request(
                .get,
                "/payments/\(order)",
                headers: ["x-anyway-user": user.description, "x-anyway-role": role.rawValue],
                peerIdentity: "spiffe://anyway/gateway"
            )
        )
    }

    fileprivate func send(
        _ method: HTTP.Method,
        _ order: OrderID,
        _ body: [UInt8],
        from caller: String?
    ) async throws -> PaymentAnswer {
        try await answer(
            Request(
                method,
                "/payments/\(order)",
                headers: [.contentType: "application/json"],
                body: body,
                peerIdentity: caller.map { "spiffe://anyway/\($0)" }
            )
        )
    }

    fileprivate func answer(_ request: Request) async throws -> PaymentAnswer {
        try await PaymentAnswer(routes, request)
    }
}

extension PaymentAnswer {
    /// What a router answers, its problems included.
    init(_ router: Router, _ request: Request) async throws {
        let response: Response
        do throws(Problem) {
            response = try await router.handle(request)
        } catch {
            response = error.response()
        }
        var text = ""
        if case .bytes(let bytes) = response.body { text = String(decoding: bytes, as: UTF8.self) }
        self.init(
            status: response.status.code,
            text: text,
            retryAfter: response.headers[.retryAfter]
        )
    }
}
