/// An amount of money: whole minor units (cents) of one currency, never a fraction.
public struct Money: Hashable, Sendable, Codable {
    /// Minor units; 1999 is 19.99 in US dollars.
    public let cents: Int64
    /// The currency's ISO 4217 code, such as `USD`.
    public let currency: String

    /// An amount in `currency`, the platform's own when none is named.
    public init(cents: Int64, currency: String = Money.platformCurrency) {
        self.cents = cents
        self.currency = currency
    }

    /// What the catalog's prices are in.
    public static let platformCurrency = "USD"

    /// The price of `quantity` pieces at `unitCents` each; nil when it does not fit.
    public static func price(of quantity: Int64, at unitCents: Int64) -> Int64? {
        let (product, overflow) = quantity.multipliedReportingOverflow(by: unitCents)
        return overflow ? nil : product
    }
}

extension Money: CustomStringConvertible {
    /// The amount as people write it: `19.99 USD`.
    public var description: String {
        let magnitude = cents.magnitude
        let fraction = magnitude % 100
        let padded = fraction < 10 ? "0\(fraction)" : "\(fraction)"
        return "\(cents < 0 ? "-" : "")\(magnitude / 100).\(padded) \(currency)"
    }
}
