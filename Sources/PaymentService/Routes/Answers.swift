internal import Contracts
internal import HTTP

extension PaymentRoutes {
    /// What a settled payment is answered with.
    func answer(_ settled: Settlement.Settled) throws(Problem) -> Response {
        switch settled.outcome {
        case .captured: return receipt(settled.payment, "captured")
        case .voided: return receipt(settled.payment, "voided")
        case .refunded: return receipt(settled.payment, "refunded")
        case .declined: throw .declined(settled.payment)
        case .refusedByVoid:
            throw Problem(
                .conflict,
                "payment-voided",
                detail: "The payment was voided; this order can never be charged."
            )
        case .mismatch:
            throw Problem(
                .unprocessable,
                "payment-mismatch",
                detail: "This order was charged with another amount, customer or card."
            )
        case .unknown:
            throw .unsettled(settled)
        }
    }

    private func receipt(_ payment: Payment, _ status: String) -> Response {
        .json(
            PaymentReceipt(
                orderID: payment.order,
                paymentID: payment.customer == nil ? nil : payment.id,
                status: status,
                amountCents: payment.amountCents,
                currency: payment.currency
            )
        )
    }
}

extension Problem {
    /// Nobody knows yet what the provider did.
    fileprivate static func unsettled(_ settled: Settlement.Settled) -> Problem {
        var problem = unavailable(
            "The payment provider's answer is not known yet; ask again.",
            retryAfter: .seconds(1)
        )
        let reason = settled.reason ?? "a rival is at work"
        problem.cause = "payment \(settled.payment.id) is \(settled.payment.status): \(reason)"
        return problem
    }

    /// The provider refused the card, or does not know it.
    fileprivate static func declined(_ payment: Payment) -> Problem {
        let code = payment.declineCode ?? "card_declined"
        let isUnknownMethod = code == "resource_missing"
        return Problem(
            .paymentRequired,
            isUnknownMethod ? "unknown-payment-method" : "card-declined",
            detail: isUnknownMethod
                ? "The payment provider does not know this payment method."
                : "The card was declined.",
            members: ["decline_code": .string(code)]
        )
    }
}
