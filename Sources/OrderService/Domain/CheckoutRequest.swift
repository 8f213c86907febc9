internal import Contracts
internal import HTTP

/// The body of `POST /orders` as it comes.
struct CheckoutRequest: Sendable {
    /// What to buy; empty when it is what the cart holds.
    let items: [OrderLine]
    /// Whether to buy what the cart holds.
    var cart = false
    let paymentMethod: String
    let shippingAddress: ShippingAddress
}

extension CheckoutRequest: Decodable {
    private enum CodingKeys: String, CodingKey {
        case items, cart
        case paymentMethod = "payment_method"
        case shippingAddress = "shipping_address"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        cart = try container.decodeIfPresent(Bool.self, forKey: .cart) ?? false
        guard !cart || !container.contains(.items) else {
            throw DecodingError.dataCorruptedError(
                forKey: .cart,
                in: container,
                debugDescription: "says to buy what the cart holds, so there must be no items"
            )
        }
        items = cart ? [] : try container.decode([OrderLine].self, forKey: .items)
        paymentMethod = try container.decode(String.self, forKey: .paymentMethod)
        shippingAddress = try container.decode(ShippingAddress.self, forKey: .shippingAddress)
    }
}

/// Where an order goes.
struct ShippingAddress: Sendable, Hashable, Codable {
    let name: String?
    let line1: String
    let line2: String?
    let city: String
    let postalCode: String?
    let country: String

    enum CodingKeys: String, CodingKey {
        case name, line1, line2, city, country
        case postalCode = "postal_code"
    }

    /// The fields with their JSON names, for validation.
    var fields: [(name: String, text: String?)] {
        [
            ("name", name), ("line1", line1), ("line2", line2), ("city", city),
            ("postal_code", postalCode),
        ]
    }
}

/// A checkout that makes sense: bounded, positive, one line a product.
///
/// Its canonical JSON is what a repeat with the same idempotency key is compared by.
struct Checkout: Sendable, Hashable, Encodable {
    /// The most lines one order may have.
    static let maxLines = 100
    /// The most pieces one line may ask for.
    static let maxQuantity: Int64 = 10_000
    /// The longest text in an address.
    static let maxText = 200

    /// One line a product, in the order of their first mention.
    let lines: [OrderLine]
    /// Where in the request each line's product was first mentioned; empty when the lines are a cart's.
    let positions: [Int]
    let paymentMethod: String
    let shippingAddress: ShippingAddress

    private enum CodingKeys: String, CodingKey {
        case lines, paymentMethod, shippingAddress
    }

    /// Checks a request; lines of one product are added up.
    ///
    /// - Throws: a 422 problem that names every field that is wrong.
    init(_ request: CheckoutRequest) throws(Problem) {
        let errors = Self.errors(inLines: request.items) + Self.errors(besidesLines: request)
        guard errors.isEmpty else { throw .invalid(errors) }
        let merged = try Self.merge(request.items)
        lines = merged.map(\.line)
        positions = merged.map(\.position)
        paymentMethod = request.paymentMethod
        shippingAddress = request.shippingAddress
    }

    /// The checkout of a cart.
    ///
    /// - Throws: 409 for an empty cart, 422 for one that has more lines than an order.
    init(_ wish: CartCheckout, of cart: Cart) throws(Problem) {
        lines = cart.lines.map { OrderLine(productID: $0.product, quantity: $0.entry.quantity) }
        positions = []
        paymentMethod = wish.paymentMethod
        shippingAddress = wish.shippingAddress
        guard !lines.isEmpty else {
            throw Problem(.conflict, "cart-empty", detail: "there is nothing in the cart to buy")
        }
        guard lines.count <= Self.maxLines else {
            throw .invalid("/cart", "has \(lines.count) lines, more than \(Self.maxLines)")
        }
    }

    /// Where in the request it says what to buy.
    var pointer: String { positions.isEmpty ? "/cart" : "/items" }

    /// What is wrong with all that is not what to buy.
    fileprivate static func errors(besidesLines request: CheckoutRequest) -> [Problem.Field] {
        errors(inPaymentMethod: request.paymentMethod) + errors(inAddress: request.shippingAddress)
    }

    private static func errors(inLines items: [OrderLine]) -> [Problem.Field] {
        guard !items.isEmpty else {
            return [Problem.Field(pointer: "/items", detail: "must have at least one line")]
        }
        guard items.count <= maxLines else {
            return [
                Problem.Field(
                    pointer: "/items",
                    detail: "has \(items.count) lines, more than \(maxLines)"
                )
            ]
        }
        return items.enumerated().compactMap { index, line in
            guard !(1...maxQuantity).contains(line.quantity) else { return nil }
            return Problem.Field(
                pointer: "/items/\(index)/quantity",
                detail: "is \(line.quantity), not from 1 to \(maxQuantity)"
            )
        }
    }

    private static func errors(inPaymentMethod text: String) -> [Problem.Field] {
        guard PaymentMethod(text) == nil else { return [] }
        return [
            Problem.Field(
                pointer: "/payment_method",
                detail: "must be a payment method token such as pm_card_visa, never a card number"
            )
        ]
    }

    private static func errors(inAddress address: ShippingAddress) -> [Problem.Field] {
        var errors = address.fields.compactMap { field -> Problem.Field? in
            guard let text = field.text else { return nil }
            let isControlled = text.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
            guard text.isEmpty || text.count > maxText || isControlled else { return nil }
            return Problem.Field(
                pointer: "/shipping_address/\(field.name)",
                detail: "must have 1 to \(maxText) characters, none of them a control character"
            )
        }
        let letters = address.country.utf8
        if letters.count != 2 || !letters.allSatisfy({ (65...90).contains($0) }) {
            errors.append(
                Problem.Field(
                    pointer: "/shipping_address/country",
                    detail: "must be a two-letter ISO 3166 code such as US"
                )
            )
        }
        return errors
    }

    private static func merge(
        _ items: [OrderLine]
    ) throws(Problem) -> [(line: OrderLine, position: Int)] {
        var merged: [(line: OrderLine, position: Int)] = []
        for (index, item) in items.enumerated() {
            guard let known = merged.firstIndex(where: { $0.line.productID == item.productID })
            else {
                merged.append((item, index))
                continue
            }
            let sum = merged[known].line.quantity + item.quantity
            guard sum <= maxQuantity else {
                throw .invalid(
                    "/items/\(index)/quantity",
                    "brings the product to \(sum) pieces, more than \(maxQuantity)"
                )
            }
            merged[known].line = OrderLine(productID: item.productID, quantity: sum)
        }
        return merged
    }
}

/// The wish to buy what the cart holds, whatever that is.
///
/// Its canonical JSON is what a repeat with the same idempotency key is compared by: by then the cart
/// is another.
struct CartCheckout: Sendable, Hashable, Encodable {
    let cart = true
    let paymentMethod: String
    let shippingAddress: ShippingAddress

    private enum CodingKeys: String, CodingKey {
        case cart, paymentMethod, shippingAddress
    }

    /// Checks a request.
    ///
    /// - Throws: a 422 problem that names every field that is wrong.
    init(_ request: CheckoutRequest) throws(Problem) {
        let errors = Checkout.errors(besidesLines: request)
        guard errors.isEmpty else { throw .invalid(errors) }
        paymentMethod = request.paymentMethod
        shippingAddress = request.shippingAddress
    }
}
