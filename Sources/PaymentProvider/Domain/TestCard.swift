/// Stripe's test payment methods (https://docs.stripe.com/testing): the token alone decides the outcome.
struct TestCard: Sendable, Equatable {
    /// What a charge of this card does.
    enum Outcome: Sendable, Equatable {
        case succeeds
        case declined(code: String, declineCode: String, message: String)
    }

    /// What goes wrong between the sandbox and its client, once, on the way of the first answer.
    ///
    /// Asked again with the same key, the sandbox answers as if nothing had been.
    enum Mishap: Sendable, Equatable {
        /// The charge is made; the answer comes after `seconds`, when nobody waits for it any more.
        case slow(seconds: Int64)
        /// The charge is made; the connection ends in the middle of the answer.
        case lostReply
        /// The charge is made; the answer is 500.
        case errorAfterCharge
        /// No charge is made, however often it is asked: 429.
        case rateLimited
    }

    let token: String
    let brand: String
    let last4: String
    let outcome: Outcome
    var mishap: Mishap?

    /// Finds the card of a token; nil if Stripe would not know it either.
    static func named(_ token: String) -> TestCard? {
        byToken[token]
    }

    static let all: [TestCard] = successes + declines + brandedDeclines + mishaps

    private static let byToken = Dictionary(uniqueKeysWithValues: all.map { ($0.token, $0) })

    private static let successes: [TestCard] = [
        ("pm_card_visa", "visa", "4242"),
        ("pm_card_visa_debit", "visa", "5556"),
        ("pm_card_mastercard", "mastercard", "4444"),
        ("pm_card_mastercard_debit", "mastercard", "8210"),
        ("pm_card_mastercard_prepaid", "mastercard", "5100"),
        ("pm_card_amex", "amex", "0005"),
        ("pm_card_discover", "discover", "1117"),
        ("pm_card_diners", "diners", "0004"),
        ("pm_card_jcb", "jcb", "0505"),
        ("pm_card_unionpay", "unionpay", "0005"),
    ].map { TestCard(token: $0.0, brand: $0.1, last4: $0.2, outcome: .succeeds) }

    /// Cards of the sandbox's own, for seeing what a client makes of unknown results.
    private static let mishaps: [TestCard] = [
        ("pm_card_slow", .slow(seconds: 3)), ("pm_card_lostReply", .lostReply),
        ("pm_card_errorAfterCharge", .errorAfterCharge), ("pm_card_rateLimited", .rateLimited),
    ].map { (token: String, mishap: Mishap) in
        TestCard(token: token, brand: "visa", last4: "4242", outcome: .succeeds, mishap: mishap)
    }

    private static let declines: [TestCard] = declineTable.map { row in
        TestCard(
            token: "pm_card_" + row.name,
            brand: "visa",
            last4: row.last4,
            outcome: row.outcome
        )
    }

    /// Stripe knows the declining cards by two names.
    private static let brandedDeclines: [TestCard] = declineTable.map { row in
        TestCard(
            token: "pm_card_visa_" + row.name,
            brand: "visa",
            last4: row.last4,
            outcome: row.outcome
        )
    }

    private static let declineTable: [(name: String, last4: String, outcome: Outcome)] = [
        (
            "chargeDeclined", "0002",
            .declined(
                code: "card_declined",
                declineCode: "generic_decline",
                message: "Your card was declined."
            )
        ),
        (
            "chargeDeclinedInsufficientFunds", "9995",
            .declined(
                code: "card_declined",
                declineCode: "insufficient_funds",
                message: "Your card has insufficient funds."
            )
        ),
        (
            "chargeDeclinedLostCard", "9987",
            .declined(
                code: "card_declined",
                declineCode: "lost_card",
                message: "Your card was declined."
            )
        ),
        (
            "chargeDeclinedStolenCard", "9979",
            .declined(
                code: "card_declined",
                declineCode: "stolen_card",
                message: "Your card was declined."
            )
        ),
        (
            "chargeDeclinedVelocityLimitExceeded", "6975",
            .declined(
                code: "card_declined",
                declineCode: "card_velocity_exceeded",
                message: "Your card was declined for making repeated attempts too frequently."
            )
        ),
        (
            "chargeDeclinedFraudulent", "0019",
            .declined(
                code: "card_declined",
                declineCode: "fraudulent",
                message: "Your card was declined."
            )
        ),
        (
            "chargeDeclinedExpiredCard", "0069",
            .declined(
                code: "expired_card",
                declineCode: "expired_card",
                message: "Your card has expired."
            )
        ),
        (
            "chargeDeclinedIncorrectCvc", "0127",
            .declined(
                code: "incorrect_cvc",
                declineCode: "incorrect_cvc",
                message: "Your card's security code is incorrect."
            )
        ),
        (
            "chargeDeclinedProcessingError", "0119",
            .declined(
                code: "processing_error",
                declineCode: "processing_error",
                message:
                    "An error occurred while processing your card. Try again in a little bit."
            )
        ),
    ]
}
