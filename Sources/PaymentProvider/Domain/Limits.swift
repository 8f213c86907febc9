/// Stripe's limits on what a request may hold.
enum Limits {
    /// 50 cents: less is refused as `amount_too_small`.
    static let minAmount: Int64 = 50
    /// Eight digits.
    static let maxAmount: Int64 = 99_999_999
    static let currencies: Set<String> = ["usd", "eur", "gbp"]
    static let keyBytes = 255
    static let metadataEntries = 50
    static let metadataKeyBytes = 40
    static let metadataValueBytes = 500
    static let bodyBytes = 64 << 10
    static let page = 1...100
    static let defaultPage = 10
}

extension FormFields {
    /// A required whole amount in cents.
    func amount(_ name: String = "amount") throws(StripeError) -> Int64 {
        guard let text = self[name] else { throw .missing(name) }
        guard let amount = Int64(text), amount > 0 else {
            throw .invalid(name, "Invalid integer: \(name).", code: "parameter_invalid_integer")
        }
        return amount
    }

    /// A Boolean as Stripe writes it.
    func flag(_ name: String, default absent: Bool) throws(StripeError) -> Bool {
        switch self[name] {
        case nil: absent
        case "true": true
        case "false": false
        default: throw .invalid(name, "Invalid boolean: \(name).")
        }
    }

    /// The `metadata[…]` entries.
    func metadata() throws(StripeError) -> [String: String] {
        var out: [String: String] = [:]
        for (key, value) in map("metadata") {
            guard !key.isEmpty, key.utf8.count <= Limits.metadataKeyBytes,
                value.utf8.count <= Limits.metadataValueBytes, out.count < Limits.metadataEntries
            else { throw .invalid("metadata", "Metadata is too long.") }
            out[key] = value
        }
        return out
    }

    /// The page size of a list.
    func limit() throws(StripeError) -> Int {
        guard let text = self["limit"] else { return Limits.defaultPage }
        guard let limit = Int(text), Limits.page.contains(limit) else {
            throw .invalid("limit", "Limit must be between 1 and 100.")
        }
        return limit
    }
}
