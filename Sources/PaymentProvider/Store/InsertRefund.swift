internal import Postgres

/// Gives money back: the refund, and what its charge has left, at once.
struct InsertRefund: Statement {
    static let sql = """
        WITH refund AS (
            INSERT INTO refunds (id, payment_intent, charge, amount, currency, metadata, created)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
        )
        UPDATE charges SET amount_refunded = amount_refunded + $4 WHERE id = $3
        """
    let refund: Refund

    func bind(_ parameters: inout Parameters) {
        parameters.append(refund.id, refund.intent, refund.charge, refund.amount)
        parameters.append(refund.currency, Metadata(refund.metadata), refund.created)
    }
}
