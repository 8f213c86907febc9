internal import FoundationEssentials
internal import Postgres

/// Moves or ends a saga whoever drives it: what a commit does where fencing is left out on purpose.
struct MoveUnfenced: Statement {
    static let sql = """
        WITH ended AS (
            DELETE FROM saga_pending WHERE saga_id = $1 AND kind = $2 AND $3::text IS NULL
        )
        UPDATE saga_pending
        SET phase = $3, attempts = 0, reason = coalesce($4, reason), detail = coalesce($5, detail),
            next_at = clock_timestamp() + $6 * interval '1 millisecond'
        WHERE saga_id = $1 AND kind = $2 AND $3::text IS NOT NULL
        """
    let id: UUID
    let kind: String
    /// Nil for its end.
    let to: SagaMachine.Phase?
    let refusal: Refusal?
    let leaseMilliseconds: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(
            id,
            kind,
            to?.rawValue,
            refusal?.reason,
            refusal?.detail,
            leaseMilliseconds
        )
    }
}
