internal import Contracts
internal import HTTP
internal import Identity
internal import ServiceKit

/// A checkout that was handed in and makes sense: who, under which key, and what.
struct Submission: Sendable {
    let customer: UserID
    let key: IdempotencyKey
    let wish: Wish
    /// What tells this checkout from another of the same key: a digest of its canonical JSON.
    let fingerprint: [UInt8]
    /// The order it is to become.
    let id: OrderID

    /// Reads and checks a request.
    ///
    /// - Throws: a problem that names what is wrong with it.
    init(_ request: Request) async throws(Problem) {
        customer = try request.principal().user
        key = try IdempotencyKey(of: request)
        wish = try Wish(await request.json(CheckoutRequest.self))
        guard let canonical = wish.canonical else { throw .internalError }
        fingerprint = SHA256.hash(canonical)
        id = .naming(customer, key)
    }

    /// Asks what the key has led to.
    var findAnswer: FindAnswer { FindAnswer(customer: customer, key: key) }
}

/// What is to be bought.
enum Wish: Sendable {
    /// These things.
    case items(Checkout)
    /// What the cart holds.
    case cart(CartCheckout)

    fileprivate init(_ request: CheckoutRequest) throws(Problem) {
        self =
            request.cart ? .cart(try CartCheckout(request)) : .items(try Checkout(request))
    }

    var isCart: Bool {
        if case .cart = self { true } else { false }
    }

    fileprivate var canonical: [UInt8]? {
        switch self {
        case .items(let checkout): try? JSON.encode(checkout)
        case .cart(let checkout): try? JSON.encode(checkout)
        }
    }

    /// The lines to buy.
    ///
    /// - Parameter cart: what the cart holds.
    /// - Throws: 409 for an empty cart.
    func checkout(of cart: Cart) throws(Problem) -> Checkout {
        switch self {
        case .items(let checkout): checkout
        case .cart(let checkout): try Checkout(checkout, of: cart)
        }
    }
}
