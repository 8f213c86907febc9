internal import Contracts

/// What one order wants: distinct products in ascending order, each with how many.
///
/// The order matters twice: stock rows are locked in it, so that orders cannot deadlock, and a
/// repeated request is recognised by comparing lists.
struct ReservationLines: Sendable, Equatable {
    static let maxLines = 100
    static let maxQuantity: Int64 = 1_000_000

    let products: [ProductID]
    let quantities: [Int64]

    /// Checks, merges and sorts the lines of a request.
    init(_ request: Lines) throws(InvalidInput) {
        var inspection = Inspection()
        inspection.require(
            (1...Self.maxLines).contains(request.lines.count),
            "/lines",
            "must have 1 to \(Self.maxLines) lines"
        )
        var wanted: [ProductID: Int64] = [:]
        for (index, line) in request.lines.prefix(Self.maxLines).enumerated() {
            let isAmount = (1...Self.maxQuantity).contains(line.quantity)
            let total = isAmount ? wanted[line.productID, default: 0] + line.quantity : 0
            wanted[line.productID] = total
            inspection.require(
                isAmount && total <= Self.maxQuantity,
                "/lines/\(index)/quantity",
                "must be a number from 1 to \(Self.maxQuantity)"
            )
        }
        try inspection.finish()
        products = wanted.keys.sorted()
        quantities = products.compactMap { wanted[$0] }
    }
}

/// What became of a reservation; each of them is final for the lines asked for.
enum ReservationOutcome: Sendable, Equatable {
    case held
    /// Nothing was taken: these lines could not be had in full.
    case short([ShortLine])
    /// A release came first.
    case released
    /// The order was reserved with other lines.
    case mismatch
}

/// What a release found; in every case nothing is held afterwards.
enum ReleaseOutcome: String, Sendable {
    /// The order had reserved nothing and never will.
    case tombstone = "none"
    /// What it held is back in stock.
    case restocked = "held"
    case alreadyReleased = "released"
    /// It had been refused for want of stock, and stays refused.
    case short
}
