internal import Contracts

/// What a quote needs to know of a product.
struct QuotedProduct: Sendable, Equatable {
    let id: ProductID
    let title: String
    let priceCents: Int64
}

/// Prices the lines of an order.
enum Quoting {
    /// Checks the lines of a request: how many, and how much of each.
    static func validate(_ request: Lines) throws(InvalidInput) {
        _ = try ReservationLines(request)
    }

    /// Prices every line, in the order asked for; throws naming each line whose product is unknown.
    static func quote(
        _ request: Lines,
        _ catalog: [ProductID: QuotedProduct]
    ) throws(UnknownProducts) -> Quote {
        var unknown: [Int] = []
        var lines: [QuotedLine] = []
        for (index, line) in request.lines.enumerated() {
            guard let product = catalog[line.productID] else {
                unknown.append(index)
                continue
            }
            lines.append(
                QuotedLine(
                    productID: product.id,
                    title: product.title,
                    quantity: line.quantity,
                    unitPriceCents: product.priceCents,
                    currency: Money.platformCurrency
                )
            )
        }
        guard unknown.isEmpty else { throw UnknownProducts(lines: unknown) }
        return Quote(lines)
    }
}

/// Lines, by index, that name a product which is not in the catalog.
struct UnknownProducts: Error, Equatable {
    let lines: [Int]
}
