/// So many pieces of one product.
public struct OrderLine: Hashable, Sendable, Codable {
    /// Which product.
    public let productID: ProductID
    /// How many pieces, more than 0.
    public let quantity: Int64

    /// So many pieces of a product.
    public init(productID: ProductID, quantity: Int64) {
        self.productID = productID
        self.quantity = quantity
    }

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
        case quantity
    }
}

/// `POST /quotes` of the product service: what do these lines cost today? Also the body of
/// `PUT /reservations/{order_id}`.
public struct Lines: Hashable, Sendable, Codable {
    /// One line a product.
    public let lines: [OrderLine]

    /// Wraps the lines.
    public init(_ lines: [OrderLine]) {
        self.lines = lines
    }
}

/// One line with what one piece costs.
public struct QuotedLine: Hashable, Sendable, Codable {
    /// Which product.
    public let productID: ProductID
    /// What it was called when it was quoted.
    public let title: String
    /// How many pieces.
    public let quantity: Int64
    /// What one piece costs, in cents.
    public let unitPriceCents: Int64
    /// ISO 4217.
    public let currency: String

    /// A priced line.
    public init(
        productID: ProductID,
        title: String,
        quantity: Int64,
        unitPriceCents: Int64,
        currency: String
    ) {
        self.productID = productID
        self.title = title
        self.quantity = quantity
        self.unitPriceCents = unitPriceCents
        self.currency = currency
    }

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
        case title, quantity
        case unitPriceCents = "unit_price_cents"
        case currency
    }
}

/// The answer of `POST /quotes`.
public struct Quote: Hashable, Sendable, Codable {
    /// The lines in the order they were asked for.
    public let lines: [QuotedLine]

    /// Wraps the lines.
    public init(_ lines: [QuotedLine]) {
        self.lines = lines
    }
}

/// Where a reservation stands.
public struct ReservationReceipt: Hashable, Sendable, Codable {
    /// The order it is for.
    public let orderID: OrderID
    /// `held` or `released`.
    public let status: String

    /// A reservation's state.
    public init(orderID: OrderID, status: String) {
        self.orderID = orderID
        self.status = status
    }

    enum CodingKeys: String, CodingKey {
        case orderID = "order_id"
        case status
    }
}

/// A line that could not be reserved in full.
public struct ShortLine: Hashable, Sendable, Codable {
    /// Which product.
    public let productID: ProductID
    /// How many pieces were asked for.
    public let requested: Int64
    /// How many there were.
    public let available: Int64

    /// A short line.
    public init(productID: ProductID, requested: Int64, available: Int64) {
        self.productID = productID
        self.requested = requested
        self.available = available
    }

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
        case requested, available
    }
}
