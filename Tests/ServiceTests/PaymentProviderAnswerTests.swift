import Testing

@testable import PaymentService

/// What the payment service concludes from Stripe's answers: definite only where Stripe is.
@Suite struct PaymentProviderAnswerTests {
    static let succeeded = #"{"id":"pi_1","status":"succeeded","amount":5}"#
    static let canceled = #"{"id":"pi_1","status":"canceled"}"#

    static func error(_ type: String, _ more: String = "") -> String {
        #"{"error":{"type":"\#(type)","message":"…"\#(more)}}"#
    }

    @Test func `a succeeded intent is a charge, any other proves nothing`() {
        #expect(
            ProviderAnswer.ofCharge(status: 200, body: bytes(Self.succeeded))
                == .charged(intent: "pi_1")
        )
        for status in ["processing", "requires_action", "requires_capture", "canceled", "new"] {
            let body = bytes(#"{"id":"pi_1","status":"\#(status)"}"#)
            #expect(ProviderAnswer.ofCharge(status: 200, body: body).isUnknown, "\(status)")
        }
        #expect(ProviderAnswer.ofCharge(status: 200, body: bytes("{}")).isUnknown)
        #expect(ProviderAnswer.ofCharge(status: 200, body: []).isUnknown)
    }

    @Test func `a card error is a decline, by its decline code first`() {
        let insufficient = Self.error(
            "card_error",
            #","code":"card_declined","decline_code":"insufficient_funds""#
        )
        #expect(
            ProviderAnswer.ofCharge(status: 402, body: bytes(insufficient))
                == .declined(code: "insufficient_funds")
        )
        let expired = Self.error("card_error", #","code":"expired_card""#)
        #expect(
            ProviderAnswer.ofCharge(status: 402, body: bytes(expired))
                == .declined(code: "expired_card")
        )
        #expect(
            ProviderAnswer.ofCharge(status: 402, body: bytes(Self.error("card_error")))
                == .declined(code: "card_declined")
        )
        #expect(ProviderAnswer.ofCharge(status: 402, body: bytes("<html>")).isUnknown)
    }

    @Test func `values that the provider can never charge are a decline`() {
        for param in ["payment_method", "amount", "currency"] {
            let body = Self.error(
                "invalid_request_error",
                #","code":"resource_missing","param":"\#(param)""#
            )
            #expect(
                ProviderAnswer.ofCharge(status: 400, body: bytes(body))
                    == .declined(code: "resource_missing")
            )
        }
        let other = Self.error("invalid_request_error", #","param":"metadata""#)
        #expect(ProviderAnswer.ofCharge(status: 400, body: bytes(other)).isUnknown)
    }

    @Test(arguments: [400, 401, 403, 404, 429, 500, 502, 503, 504])
    func `their faults and ours are unknown, never failed`(status: Int) {
        let body = bytes(Self.error("api_error"))
        #expect(ProviderAnswer.ofCharge(status: status, body: body).isUnknown)
        #expect(ProviderAnswer.ofFence(status: status, body: body).isUnknown)
        #expect(ProviderAnswer.ofCancel(status: status, body: body).isUnknown)
        #expect(ProviderAnswer.ofRefund(status: status, body: body).isUnknown)
    }

    @Test func `a key in use is busy, a key used for something else is taken`() {
        let taken = bytes(Self.error("idempotency_error"))
        #expect(ProviderAnswer.ofCharge(status: 409, body: []) == .busy)
        #expect(ProviderAnswer.ofCharge(status: 400, body: taken) == .keyTaken)
        #expect(ProviderAnswer.ofFence(status: 400, body: taken) == .keyTaken)
    }

    @Test func `a fence stands only on an intent that was not confirmed`() {
        for status in ["requires_payment_method", "requires_confirmation", "canceled"] {
            let body = bytes(#"{"id":"pi_1","status":"\#(status)"}"#)
            #expect(ProviderAnswer.ofFence(status: 200, body: body) == .fenced(intent: "pi_1"))
        }
        #expect(ProviderAnswer.ofFence(status: 200, body: bytes(Self.succeeded)).isUnknown)
    }

    @Test func `a list shows a charge, none, or nothing conclusive`() {
        func look(_ statuses: [String], more: Bool = false, status: Int = 200) -> ProviderAnswer {
            let data = statuses.enumerated().map { #"{"id":"pi_\#($0)","status":"\#($1)"}"# }
            let body = #"{"data":[\#(data.joined(separator: ","))],"has_more":\#(more)}"#
            return ProviderAnswer.ofLookUp(status: status, body: bytes(body))
        }
        #expect(look(["canceled", "succeeded"], more: true) == .charged(intent: "pi_1"))
        #expect(look(["canceled", "requires_payment_method"]) == .absent)
        #expect(look([]) == .absent)
        #expect(look(["canceled"], more: true).isUnknown)
        #expect(look(["processing"]).isUnknown)
        #expect(look([], status: 400).isUnknown)
        #expect(look([], status: 500).isUnknown)
        #expect(ProviderAnswer.ofLookUp(status: 200, body: bytes("{}")).isUnknown)
    }

    @Test func `cancelled twice is cancelled`() {
        #expect(ProviderAnswer.ofCancel(status: 200, body: bytes(Self.canceled)) == .cancelled)
        let before = Self.error(
            "invalid_request_error",
            #","code":"payment_intent_unexpected_state","payment_intent":\#(Self.canceled)"#
        )
        #expect(ProviderAnswer.ofCancel(status: 400, body: bytes(before)) == .cancelled)
        let charged = Self.error(
            "invalid_request_error",
            #","code":"payment_intent_unexpected_state","payment_intent":\#(Self.succeeded)"#
        )
        #expect(ProviderAnswer.ofCancel(status: 400, body: bytes(charged)).isUnknown)
    }

    @Test func `refunded twice is refunded`() {
        let done = bytes(#"{"id":"re_1","status":"succeeded"}"#)
        #expect(ProviderAnswer.ofRefund(status: 200, body: done) == .refunded(refund: "re_1"))
        let before = bytes(
            Self.error("invalid_request_error", #","code":"charge_already_refunded""#)
        )
        #expect(
            ProviderAnswer.ofRefund(status: 400, body: before)
                == .refunded(refund: "already_refunded")
        )
        let failed = bytes(#"{"id":"re_1","status":"failed"}"#)
        #expect(ProviderAnswer.ofRefund(status: 200, body: failed).isUnknown)
        // A decline cannot answer a refund.
        #expect(
            ProviderAnswer.ofRefund(status: 402, body: bytes(Self.error("card_error"))).isUnknown
        )
    }

    @Test func `a form escapes what is not plain`() {
        var form = Form()
        form.append("metadata[order_id]", "a b&c=d+é/")
        form.append("confirm", "true")
        #expect(form.text == "metadata%5Border_id%5D=a+b%26c%3Dd%2B%C3%A9%2F&confirm=true")
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
}

extension ProviderAnswer {
    fileprivate var isUnknown: Bool {
        if case .unknown = self { return true }
        return false
    }
}
