internal import Contracts
internal import Postgres

/// Takes a product out of the catalog; its row, stock and history stay.
///
/// Returns its new version, or no row when it is not in the catalog or has another version.
struct MarkWithdrawn: Statement {
    static let sql = """
        UPDATE products SET withdrawn_at = now(), updated_at = now(), version = version + 1
        WHERE id = $1 AND withdrawn_at IS NULL AND ($2::bigint[] IS NULL OR version = ANY ($2))
        RETURNING version
        """
    let id: ProductID
    /// The versions that `If-Match` allows; nil for any.
    let versions: [Int64]?

    func bind(_ parameters: inout Parameters) {
        parameters.append(id.uuid, versions)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Int64 {
        Int64(try row.decode(0, as: Int32.self))
    }
}
