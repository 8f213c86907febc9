internal import Contracts
internal import Postgres

/// Takes an order's lines from stock, all or none, once; see `reserve_stock` in the migrations.
struct ReserveStock: Statement {
    static let sql = """
        SELECT outcome, short_product, short_requested, short_found
        FROM reserve_stock($1, $2, $3)
        """
    let order: OrderID
    let lines: ReservationLines

    func bind(_ parameters: inout Parameters) {
        parameters.append(order.uuid, lines.products.map(\.uuid), lines.quantities)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> ReservationOutcome {
        let outcome: String = try row[0]
        switch outcome {
        case "held": return .held
        case "released": return .released
        case "mismatch": return .mismatch
        case "short":
            let line = ShortLine(
                productID: ProductID(try row[1]),
                requested: Int64(try row.decode(2, as: Int32.self)),
                available: Int64(try row.decode(3, as: Int32.self))
            )
            return .short([line])
        default: throw .decoding("reserve_stock returned \(outcome)")
        }
    }
}

extension ReservationOutcome {
    /// Joins the rows of one answer; a short order has one for each short line.
    init(rows: [ReservationOutcome]) throws(DatabaseError) {
        let shortLines = rows.flatMap { row in
            guard case .short(let lines) = row else { return [ShortLine]() }
            return lines
        }
        guard let first = rows.first else { throw .decoding("reserve_stock returned no row") }
        self = shortLines.isEmpty ? first : .short(shortLines)
    }
}
