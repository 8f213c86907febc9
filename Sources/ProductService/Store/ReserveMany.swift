internal import Contracts
internal import Postgres

/// What one order wants to hold.
struct WantedReservation: Sendable {
    let order: OrderID
    let lines: ReservationLines
}

/// Takes the lines of many orders from stock, each order all or none, once; see `reserve_stock_many` in
/// the migrations.
///
/// The orders must be distinct.
struct ReserveMany: Statement {
    static let sql = """
        SELECT outcome, short_product, short_requested, short_found, place
        FROM reserve_stock_many($1, $2, $3, $4)
        """
    let wanted: [WantedReservation]

    func bind(_ parameters: inout Parameters) {
        parameters.append(
            wanted.map(\.order.uuid),
            wanted.enumerated().flatMap { index, wanted in
                wanted.lines.products.map { _ in Int32(clamping: index + 1) }
            },
            wanted.flatMap { $0.lines.products.map(\.uuid) },
            wanted.flatMap(\.lines.quantities)
        )
    }

    static func decode(
        _ row: borrowing Row
    ) throws(DatabaseError) -> (index: Int, outcome: ReservationOutcome) {
        (Int(try row.decode(4, as: Int32.self)) - 1, try ReserveStock.decode(row))
    }
}

extension Database {
    /// Reserves for many orders with one commit; the outcomes are in their order.
    func reserve(
        _ wanted: [WantedReservation]
    ) async throws(DatabaseError) -> [ReservationOutcome] {
        var rows: [Int: [ReservationOutcome]] = [:]
        for row in try await all(ReserveMany(wanted: wanted)) {
            rows[row.index, default: []].append(row.outcome)
        }
        var outcomes: [ReservationOutcome] = []
        for index in wanted.indices {
            outcomes.append(try ReservationOutcome(rows: rows[index] ?? []))
        }
        return outcomes
    }
}
