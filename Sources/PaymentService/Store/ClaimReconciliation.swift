internal import Postgres

/// One of the provider's lists.
enum ProviderList: String, Sendable, CaseIterable {
    case intents = "payment_intents"
    case refunds
}

/// How far a list was compared, and how much to take in next.
struct ReconciliationProgress: Sendable, Equatable {
    let through: Int64
    let length: Int64
    /// Seconds since 1970 by the database's clock.
    let now: Int64
}

/// Takes the comparison of a list for 90 s, or keeps it; no row while another replica has it.
///
/// The first comparison begins with our first payment.
struct ClaimReconciliation: Statement {
    static let sql = """
        UPDATE reconciliations
        SET owner = $2, leased_until = now() + interval '90 seconds',
            through = coalesce(through, (
                SELECT extract(epoch FROM min(created_at))::bigint FROM payments
            ), extract(epoch FROM now())::bigint)
        WHERE list = $1 AND (leased_until < now() OR owner = $2)
        RETURNING through, span_seconds, extract(epoch FROM now())::bigint
        """
    let list: ProviderList
    let owner: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(list.rawValue, owner)
    }

    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> ReconciliationProgress {
        ReconciliationProgress(through: try row[0], length: try row[1], now: try row[2])
    }
}

/// Writes down how far a list is compared, if it still is ours.
struct MoveReconciliation: Statement {
    static let sql = """
        UPDATE reconciliations SET through = $3, span_seconds = $4
        WHERE list = $1 AND owner = $2 AND leased_until > now()
        """
    let list: ProviderList
    let owner: String
    let through: Int64
    let length: Int64

    func bind(_ parameters: inout Parameters) {
        parameters.append(list.rawValue, owner, through, length)
    }
}

/// Lets another replica have the comparison at once.
struct ReleaseReconciliation: Statement {
    static let sql = """
        UPDATE reconciliations SET leased_until = '-infinity' WHERE owner = $1
        """
    let owner: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(owner)
    }
}
