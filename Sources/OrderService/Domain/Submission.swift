internal import Contracts
internal import HTTP
internal import Identity
internal import ServiceKit

/// A checkout that was handed in and makes sense: who, under which key, and what.
struct Submission: Sendable {
    let customer: UserID
    let key: IdempotencyKey
    let checkout: Checkout
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
        checkout = try Checkout(await request.json(CheckoutRequest.self))
        guard let canonical = try? JSON.encode(checkout) else { throw .internalError }
        fingerprint = SHA256.hash(canonical)
        id = .naming(customer, key)
    }

    /// Asks what the key has led to.
    var findAnswer: FindAnswer { FindAnswer(customer: customer, key: key) }
}
