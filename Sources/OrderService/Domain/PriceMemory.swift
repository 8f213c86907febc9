internal import Contracts
internal import Reactor

/// What products cost when they were last quoted, for the time when nobody can be asked.
///
/// Bounded in size and age: a price from before the outage is what the customer saw, one from
/// yesterday is not.
struct PriceMemory: Sendable {
    /// The most products remembered.
    static let maxProducts = 10_000
    /// For how long a price holds.
    static let age = Duration.seconds(900)

    private struct Price {
        let line: QuotedLine
        let until: Deadline
    }

    private var prices: [ProductID: Price] = [:]

    /// Remembers a quote; a memory that is full starts anew.
    mutating func remember(_ quote: Quote, at now: Deadline = .now) {
        if prices.count + quote.lines.count > Self.maxProducts { prices = [:] }
        for line in quote.lines {
            prices[line.productID] = Price(line: line, until: now.advanced(by: Self.age))
        }
    }

    /// The quote for these lines; nil unless every product is remembered.
    func quote(_ lines: [OrderLine], at now: Deadline = .now) -> Quote? {
        var quoted: [QuotedLine] = []
        for line in lines {
            guard let price = prices[line.productID], price.until > now else { return nil }
            quoted.append(
                QuotedLine(
                    productID: line.productID,
                    title: price.line.title,
                    quantity: line.quantity,
                    unitPriceCents: price.line.unitPriceCents,
                    currency: price.line.currency
                )
            )
        }
        return Quote(quoted)
    }
}
