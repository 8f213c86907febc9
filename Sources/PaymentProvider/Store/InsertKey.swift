internal import Postgres

/// Keeps an answer under its key, in the transaction of its effect.
struct InsertKey: Statement {
    static let sql = """
        INSERT INTO idempotency_keys (key, fingerprint, status, body)
        VALUES ($1, sha256(convert_to($2, 'UTF8')), $3, $4)
        """
    let request: KeyedRequest
    let answer: StoredAnswer

    func bind(_ parameters: inout Parameters) {
        parameters.append(request.key, request.fingerprint, Int32(answer.status), answer.body)
    }
}
