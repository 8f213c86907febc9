import Contracts
import Testing

@testable import PaymentService

/// What rows and records say to each other, cell by cell.
@Suite struct PaymentComparisonTests {
    private static let order = OrderID.next()
    private static let customer = UserID.next()

    private func row(_ status: PaymentStatus, intent: String? = nil, cents: Int64 = 1999) -> Payment
    {
        Payment(
            order: Self.order,
            id: .only(of: Self.order),
            customer: Self.customer,
            status: status,
            amountCents: cents,
            currency: "USD",
            method: PaymentMethod("pm_card_visa"),
            intent: intent,
            declineCode: nil,
            keyIsFresh: true
        )
    }

    private func intent(
        paid: Bool = true,
        refunded: Int64 = 0,
        currency: String = "USD",
        origin: ProviderIntent.Origin? = .init(
            order: order,
            payment: .only(of: order),
            customer: customer,
            method: PaymentMethod("pm_card_visa")
        )
    ) -> ProviderIntent {
        ProviderIntent(
            id: "pi_1",
            isPaid: paid,
            amountCents: 1999,
            currency: currency,
            refundedCents: refunded,
            created: 0,
            origin: origin
        )
    }

    @Test func `the money that a row names is compared with its intent`() {
        let expected: [(PaymentStatus, kept: Comparison, partly: Comparison, gone: Comparison)] = [
            (
                .captured, .agrees, .unclear(.refundedAtProvider), .unclear(.refundedAtProvider)
            ),
            (.refunding, .pending, .pending, .pending),
            (.refunded, .refundMissing, .refundMissing, .agrees),
        ]
        for (status, kept, partly, gone) in expected {
            let payment = row(status, intent: "pi_1")
            #expect(Comparison(payment, intent()) == kept)
            #expect(Comparison(payment, intent(refunded: 500)) == partly)
            #expect(Comparison(payment, intent(refunded: 1999)) == gone)
            let dearer = row(status, intent: "pi_1", cents: 2099)
            #expect(Comparison(dearer, intent()) == .unclear(.amountDiffers))
            #expect(Comparison(payment, intent(currency: "EUR")) == .unclear(.amountDiffers))
        }
    }

    @Test func `money that the row does not name is recorded, waited for or given back`() {
        let expected: [PaymentStatus: Comparison] = [
            .processing: .captureMissing, .voiding: .pending, .declined: .stray, .voided: .stray,
        ]
        for (status, verdict) in expected {
            #expect(Comparison(row(status), intent()) == verdict)
            #expect(Comparison(row(status), intent(paid: false)) == .agrees)
        }
        for status in [PaymentStatus.declined, .voided] {
            #expect(Comparison(row(status), intent(refunded: 1999)) == .agrees)
        }
        let dearer = row(.processing, cents: 2099)
        #expect(Comparison(dearer, intent()) == .unclear(.amountDiffers))
    }

    @Test func `a second charge is given back whatever the first one is`() {
        for status in [PaymentStatus.captured, .refunding, .refunded] {
            let payment = row(status, intent: "pi_other")
            #expect(Comparison(payment, intent()) == .stray)
            #expect(Comparison(payment, intent(refunded: 1999)) == .agrees)
            #expect(Comparison(payment, intent(paid: false)) == .agrees)
        }
    }

    @Test func `a lost payment is told from its record, if the record is whole`() {
        #expect(Comparison(nil, intent()) == .paymentLost)
        #expect(Comparison(nil, intent(refunded: 1999)) == .agrees)
        #expect(Comparison(nil, intent(refunded: 500)) == .unclear(.foreignIntent))
        #expect(Comparison(nil, intent(paid: false)) == .agrees)
        let anonymous = ProviderIntent.Origin(
            order: Self.order,
            payment: .only(of: Self.order),
            customer: nil,
            method: nil
        )
        #expect(Comparison(nil, intent(origin: anonymous)) == .unclear(.foreignIntent))
        let other = ProviderIntent.Origin(
            order: Self.order,
            payment: .next(),
            customer: Self.customer,
            method: PaymentMethod("pm_card_visa")
        )
        #expect(Comparison(nil, intent(origin: other)) == .unclear(.foreignIntent))
        #expect(Comparison(nil, intent(origin: nil)) == .unclear(.foreignIntent))
        #expect(Comparison(nil, intent(paid: false, origin: nil)) == .agrees)
    }

    @Test func `a record that is gone or unpaid is raised where the books say it was paid`() {
        for status in PaymentStatus.allCases {
            let verdict: Comparison =
                switch status {
                case .captured, .refunding: .unclear(.notCaptured)
                case .processing, .voiding: .pending
                case .declined, .voided, .refunded: .agrees
                }
            let payment = row(status, intent: "pi_1")
            #expect(Comparison(withoutIntent: payment) == verdict)
            #expect(Comparison(payment, intent(paid: false)) == verdict)
        }
    }

    @Test func `spans take in every row once and surely its record, whatever the clocks say`() {
        var through: Int64 = 1_000_000
        var rowsEnd: Int64?
        let now = through + 3_000
        while true {
            let span = AuditSpan(through: through, length: 600, now: now)
            if let rowsEnd { #expect(span.rowsFrom == rowsEnd) }
            #expect(span.from <= span.rowsFrom - AuditSpan.skew)
            #expect(span.to >= span.rowsTo + AuditSpan.skew)
            rowsEnd = span.rowsTo
            through = span.to
            if span.isLast(now: now) { break }
        }
        #expect(through == now)
        // A clock that was set back takes nothing in and moves nothing back.
        let back = AuditSpan(through: through, length: 600, now: through - 100)
        #expect(back.to == through && back.isLast(now: through - 100))
    }

    @Test func `a span that was too much is halved and grows again`() {
        #expect(AuditSpan.nextLength(after: 600, wasTooMuch: true) == 300)
        #expect(AuditSpan.nextLength(after: 15, wasTooMuch: true) == 10)
        #expect(AuditSpan.nextLength(after: 300, wasTooMuch: false) == 600)
        #expect(AuditSpan.nextLength(after: 600, wasTooMuch: false) == 600)
    }
}
