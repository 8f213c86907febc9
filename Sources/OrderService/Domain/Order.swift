internal import Contracts
internal import FoundationEssentials
internal import Postgres
internal import Reactor
internal import Sagas

/// Where an order stands; it only ever moves to the right.
enum OrderStatus: String, Sendable, Codable, PostgresEncodable, PostgresDecodable {
    /// It waits in a replica's journal for the database; the database never holds this one.
    case saved
    /// Its saga is running.
    case pending
    /// Stock and money are ours.
    case confirmed
    /// It came to nothing; what was taken is given back.
    case rejected
    /// It was confirmed, and then the customer changed their mind: money and stock are on their way
    /// back.
    case cancelling
    /// Everything that a confirmed order took is given back.
    case cancelled
}

/// An order.
struct Order: Sendable, Hashable {
    let id: OrderID
    let customer: UserID
    var status: OrderStatus
    let total: Money
    let paymentMethod: String
    let shippingAddress: ShippingAddress
    let lines: [QuotedLine]
    var reason: String?
    let createdAt: Date
    var updatedAt: Date

    /// A new order for what was quoted; nil when the sum is more than can be charged.
    init?(placing checkout: Checkout, quote: Quote, by customer: UserID, as id: OrderID) {
        var cents: Int64 = 0
        for line in quote.lines {
            guard let price = Money.price(of: line.quantity, at: line.unitPriceCents) else {
                return nil
            }
            let (sum, overflow) = cents.addingReportingOverflow(price)
            guard !overflow, sum <= ChargeRequest.maxAmountCents else { return nil }
            cents = sum
        }
        let now = ProcessClock.date
        self.init(
            id: id,
            customer: customer,
            status: .pending,
            total: Money(cents: cents),
            paymentMethod: checkout.paymentMethod,
            shippingAddress: checkout.shippingAddress,
            lines: quote.lines,
            reason: nil,
            createdAt: now,
            updatedAt: now
        )
    }

    /// An order as it is stored.
    init(
        id: OrderID,
        customer: UserID,
        status: OrderStatus,
        total: Money,
        paymentMethod: String,
        shippingAddress: ShippingAddress,
        lines: [QuotedLine],
        reason: String?,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.customer = customer
        self.status = status
        self.total = total
        self.paymentMethod = paymentMethod
        self.shippingAddress = shippingAddress
        self.lines = lines
        self.reason = reason
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// The order with its fate sealed.
    func ended(_ status: OrderStatus, because reason: String? = nil) -> Order {
        var ended = self
        ended.status = status
        ended.reason = reason
        ended.updatedAt = ProcessClock.date
        return ended
    }

    /// What its events say.
    var eventData: OrderEventData {
        OrderEventData(
            orderID: id,
            customerID: customer,
            totalCents: total.cents,
            currency: total.currency,
            lines: lines,
            reason: reason
        )
    }
}

/// An order as clients see it.
struct OrderDocument: Sendable, Codable {
    struct Item: Sendable, Codable {
        let productID: ProductID
        let title: String
        let quantity: Int64
        let unitPriceCents: Int64

        enum CodingKeys: String, CodingKey {
            case productID = "product_id"
            case title, quantity
            case unitPriceCents = "unit_price_cents"
        }
    }

    let id: OrderID
    let status: OrderStatus
    let items: [Item]
    let totalCents: Int64
    let currency: String
    let paymentMethod: String
    let shippingAddress: ShippingAddress
    let reason: String?
    let createdAt: Date
    let updatedAt: Date

    enum CodingKeys: String, CodingKey {
        case id, status, items, currency, reason
        case totalCents = "total_cents"
        case paymentMethod = "payment_method"
        case shippingAddress = "shipping_address"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    init(_ order: Order) {
        id = order.id
        status = order.status
        items = order.lines.map {
            Item(
                productID: $0.productID,
                title: $0.title,
                quantity: $0.quantity,
                unitPriceCents: $0.unitPriceCents
            )
        }
        totalCents = order.total.cents
        currency = order.total.currency
        paymentMethod = order.paymentMethod
        shippingAddress = order.shippingAddress
        reason = order.reason
        createdAt = order.createdAt
        updatedAt = order.updatedAt
    }
}
