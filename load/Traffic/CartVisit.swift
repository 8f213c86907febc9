internal import HTTP
internal import Reactor

/// One visit to the cart: several requests, each sent when the one before it is answered.
struct CartVisit {
    /// Of how many visits one ends with a checkout.
    static let visitsPerCheckout = 4

    private struct Quantity: Encodable {
        let quantity: Int
    }

    private struct HeldLine: Encodable {
        let product_id: String
        let quantity: Int
        let stamp: String
    }

    private struct HeldCart: Encodable {
        let lines: [HeldLine]
    }

    /// Who asks.
    let headers: Headers
    /// What is put in.
    let products: [String]

    /// Puts the products in, changes the first, removes the last, merges what another device held, and
    /// reads.
    func requests() throws -> [ClientRequest] {
        var requests = try products.map { try put($0, Int.random(in: 1...2)) }
        if let first = products.first { requests.append(try put(first, 3)) }
        if let last = products.last, products.count > 1 {
            requests.append(ClientRequest(.delete, "/cart/items/\(last)", headers: headers))
        }
        if let held = products.randomElement() {
            requests.append(try merge(held, heldSince: ProcessClock.milliseconds - 60_000))
        }
        return requests + [ClientRequest(.get, "/cart", headers: headers)]
    }

    private func put(_ product: String, _ quantity: Int) throws -> ClientRequest {
        try .json(
            .put,
            "/cart/items/\(product)",
            headers: headers,
            Quantity(quantity: quantity)
        )
    }

    private func merge(_ product: String, heldSince milliseconds: Int64) throws -> ClientRequest {
        let digits = String(milliseconds << 16, radix: 16)
        let stamp = String(repeating: "0", count: max(0, 16 - digits.count)) + digits + "@load"
        return try .json(
            .post,
            "/cart/merge",
            headers: headers,
            HeldCart(lines: [HeldLine(product_id: product, quantity: 1, stamp: stamp)])
        )
    }
}
