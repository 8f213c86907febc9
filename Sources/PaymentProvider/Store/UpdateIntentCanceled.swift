internal import Postgres

/// Writes down that an intent was cancelled; the transaction holds its lock.
struct UpdateIntentCanceled: Statement {
    static let sql =
        "UPDATE payment_intents SET status = 'canceled', canceled_at = $2 WHERE id = $1"
    let id: String
    let at: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(id, at)
    }
}
