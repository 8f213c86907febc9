import Testing

@testable import PaymentProvider

@Suite struct ProviderDomainTests {
    static let base = [
        ("amount", "1999"), ("currency", "usd"), ("payment_method", "pm_card_visa"),
        ("confirm", "true"), ("metadata[order_id]", "o-1"),
    ]

    @Test(arguments: ["pm_card_visa", "pm_card_mastercard", "pm_card_amex"])
    func `a good card is charged in full`(token: String) throws {
        let plan = try plan(with: ("payment_method", token))
        #expect(plan.intent.status == .succeeded)
        #expect(plan.intent.amountReceived == 1999)
        #expect(plan.intent.metadata == ["order_id": "o-1"])
        #expect(plan.charge?.status == .succeeded)
        #expect(plan.charge?.refundable == 1999)
        #expect(plan.intent.latestCharge == plan.charge?.id)
        #expect(plan.error == nil)
    }

    @Test(arguments: [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        (
            "pm_card_chargeDeclinedVelocityLimitExceeded", "card_declined",
            "card_velocity_exceeded"
        ),
    ])
    func `a bad card is declined and leaves the intent open`(
        token: String,
        code: String,
        decline: String
    ) throws {
        let plan = try plan(with: ("payment_method", token))
        #expect(plan.intent.status == .requiresPaymentMethod)
        #expect(plan.intent.amountReceived == 0)
        #expect(plan.intent.paymentMethod == nil)
        #expect(plan.intent.failure?.declineCode == decline)
        #expect(plan.charge?.status == .failed)
        #expect(plan.charge?.refundable == 0)
        #expect(plan.error?.status == 402)
        #expect(plan.error?.code == code)
        #expect(plan.error?.declineCode == decline)
        #expect(plan.error?.intent == plan.intent)
    }

    @Test func `an intent that is not confirmed charges nothing`() throws {
        let open = try plan(with: ("confirm", "false"))
        #expect(open.intent.status == .requiresConfirmation)
        #expect(open.charge == nil)
        let fence = try IntentPlan(
            fields(Self.base.filter { $0.0 == "amount" || $0.0 == "currency" }),
            now: 7
        )
        #expect(fence.intent.status == .requiresPaymentMethod)
        #expect(fence.charge == nil)
    }

    @Test(arguments: [
        ("amount", "0", nil as String?), ("amount", "-5", nil), ("amount", "1.5", nil),
        ("amount", "9223372036854775808", nil), ("amount", "49", "amount_too_small"),
        ("amount", "100000000", "amount_too_large"), ("currency", "xyz", nil),
        ("payment_method", "pm_card_unknown", "resource_missing"), ("confirm", "yes", nil),
    ])
    func `a bad parameter is refused by name`(name: String, value: String, code: String?) {
        let error = #expect(throws: StripeError.self) { try plan(with: (name, value)) }
        #expect(error?.status == 400)
        #expect(error?.type == "invalid_request_error")
        #expect(error?.param == name)
        if let code { #expect(error?.code == code) }
        #expect(error?.message.contains(value) == false || value == "0" || value == "49")
    }

    @Test(arguments: ["amount", "currency", "payment_method"])
    func `a missing parameter is named`(name: String) {
        let error = #expect(throws: StripeError.self) {
            try IntentPlan(fields(Self.base.filter { $0.0 != name }), now: 7)
        }
        #expect(error?.code == "parameter_missing")
        #expect(error?.param == name)
    }

    @Test func `only an open intent can be cancelled`() throws {
        let open = try plan(with: ("confirm", "false")).intent
        let canceled = try open.canceled(now: 9)
        #expect(canceled.status == .canceled)
        #expect(canceled.canceledAt == 9)
        let declined = try plan(with: ("payment_method", "pm_card_chargeDeclined")).intent
        #expect(try declined.canceled(now: 9).status == .canceled)
        for over in [canceled, try plan().intent] {
            let error = #expect(throws: StripeError.self) { try over.canceled(now: 9) }
            #expect(error?.code == "payment_intent_unexpected_state")
            #expect(error?.intent == over)
        }
    }

    @Test func `a charge is refunded up to what is left of it`() throws {
        var charge = try #require(try plan().charge)
        let part = try charge.refunding(999, metadata: [:], now: 9)
        #expect(part.amount == 999)
        charge.amountRefunded = 999
        #expect(throws: StripeError.self) { try charge.refunding(1001, metadata: [:], now: 9) }
        #expect(try charge.refunding(nil, metadata: [:], now: 9).amount == 1000)
        charge.amountRefunded = 1999
        let error = #expect(throws: StripeError.self) {
            try charge.refunding(nil, metadata: [:], now: 9)
        }
        #expect(error?.code == "charge_already_refunded")
        let failed = try #require(
            try plan(with: ("payment_method", "pm_card_chargeDeclined")).charge
        )
        #expect(throws: StripeError.self) { try failed.refunding(nil, metadata: [:], now: 9) }
    }

    @Test func `a key opens only for itself`() throws {
        let key = try #require(BearerKey("sk_test_12345678"))
        #expect(key.matches(authorization: "Bearer sk_test_12345678"))
        for wrong in [
            nil, "", "Bearer", "Bearer ", "Bearer sk_test_1234567", "Bearer sk_test_123456789",
            "Bearer sk_test_12345679", "sk_test_12345678", "Basic sk_test_12345678",
            "Bearer sk_test_12345678sk_test_12345678",
        ] {
            #expect(!key.matches(authorization: wrong), "\(wrong ?? "none")")
        }
        #expect(BearerKey("short") == nil)
        #expect("\(key)" == "sk_…")
    }

    @Test func `ids are long, plain and different`() {
        let ids = Set((0..<1000).map { _ in StripeID.make("pi") })
        #expect(ids.count == 1000)
        #expect(ids.allSatisfy { $0.hasPrefix("pi_") && $0.utf8.count == 27 })
    }

    private func plan(with change: (String, String)? = nil) throws -> IntentPlan {
        var pairs = Self.base
        if let change { pairs = pairs.filter { $0.0 != change.0 } + [change] }
        return try IntentPlan(fields(pairs), now: 7)
    }

    private func fields(_ pairs: [(String, String)]) throws -> FormFields {
        try #require(FormFields(Array(pairs.map { "\($0.0)=\($0.1)" }.joined(separator: "&").utf8)))
    }
}

@Suite struct ProviderFormTests {
    @Test func `a form is decoded in order`() throws {
        let form = try #require(parse("a=1&metadata%5Bk%5D=x+y%26&b=&c&&%C3%A9=%e2%82%ac"))
        #expect(form["a"] == "1")
        #expect(form["metadata[k]"] == "x y&")
        #expect(form["b"] == "")
        #expect(form["c"] == "")
        #expect(form["é"] == "€")
        #expect(form.map("metadata").map(\.key) == ["k"])
        #expect(form["missing"] == nil)
        #expect(try #require(parse("")).fields.isEmpty)
    }

    @Test(arguments: ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "=1", "a=1&a=2", "a=1&%61=2"])
    func `a malformed or ambiguous form is refused`(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func `too many fields are refused`() {
        #expect(parse((0..<100).map { "f\($0)=1" }.joined(separator: "&")) != nil)
        #expect(parse((0..<101).map { "f\($0)=1" }.joined(separator: "&")) == nil)
    }

    @Test func `the order of fields is not part of what they say, their values are`() throws {
        let one = try #require(parse("a=1&b=2"))
        #expect(one == parse("b=2&a=1"))
        #expect(one != parse("a=1&b=3"))
        #expect(one != parse("a=1"))
        // A value cannot pretend to be another field.
        #expect(parse("a=1%26b%3D2") != one)
        #expect(parse("a=1&b=3:x") != parse("a=1&b=3%3Ax%26"))
    }

    private func parse(_ text: String) -> FormFields? { FormFields(Array(text.utf8)) }
}
