internal import Contracts

/// One thing wrong with a field of a request.
struct FieldError: Sendable, Equatable {
    /// Where, as a JSON pointer (RFC 6901).
    let pointer: String
    /// What is expected.
    ///
    /// The value is not repeated: it might be a card number.
    let detail: String
}

extension ChargeRequest {
    /// Everything that makes the request unfit, before anything is written down.
    var fieldErrors: [FieldError] {
        var errors: [FieldError] = []
        if !(1...Self.maxAmountCents).contains(amountCents) {
            errors.append(
                FieldError(
                    pointer: "/amount_cents",
                    detail: "must be from 1 to \(Self.maxAmountCents) cents"
                )
            )
        }
        if currency != Money.platformCurrency {
            errors.append(
                FieldError(pointer: "/currency", detail: "must be \(Money.platformCurrency)")
            )
        }
        if PaymentMethod(paymentMethod) == nil {
            errors.append(
                FieldError(
                    pointer: "/payment_method",
                    detail: "must be a provider's token such as pm_card_visa, never a card number"
                )
            )
        }
        return errors
    }
}
