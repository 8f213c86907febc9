internal import Contracts
internal import FoundationEssentials
internal import Postgres

/// Books a delivery once per person and key; see `deliver_stock` in the migrations.
struct DeliverStock: Statement {
    static let sql = """
        SELECT outcome, movement, $2::uuid, recorded_quantity, stock_after, at
        FROM deliver_stock($1, $2, $3::bigint::integer, $4, $5)
        """
    let movement: UUID
    let product: ProductID
    let quantity: Int64
    let person: UserID
    let key: String

    func bind(_ parameters: inout Parameters) {
        parameters.append(movement, product.uuid, quantity, person.uuid, key)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> DeliveryOutcome {
        let outcome: String = try row[0]
        switch outcome {
        case "recorded": return .recorded(try receipt(row))
        case "replayed": return .replayed(try receipt(row))
        case "mismatch": return .mismatch
        case "unknown": return .unknownProduct
        default: throw .decoding("deliver_stock returned \(outcome)")
        }
    }

    private static func receipt(_ row: borrowing Row) throws(DatabaseError) -> DeliveryReceipt {
        DeliveryReceipt(
            movementID: try row[1],
            productID: ProductID(try row[2]),
            quantity: Int64(try row.decode(3, as: Int32.self)),
            availableAfter: Int64(try row.decode(4, as: Int32.self)),
            recordedAt: try row[5]
        )
    }
}
