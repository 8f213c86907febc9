/// What to try next: commands that work when pasted.
struct Greeting {
    let layout: Layout
    let port: UInt16

    /// Prints curl commands: register, sign in, check out, cancel.
    func print() {
        let tag = Secrets.random(6).lowercased()
        Terminal.say(Greeting.text(port: port, tag: tag, product: anyProduct()))
    }

    /// A product that is in stock.
    private func anyProduct() -> String? {
        let answer = LoopbackHTTP.send(
            "GET",
            "/products?in_stock=true&limit=1",
            port: port,
            timeout: .seconds(2)
        )
        return answer.flatMap { Greeting.firstID(in: $0.text) }
    }

    /// The first `"id":"…"` or `"product_id":"…"` of a JSON text.
    static func firstID(in json: String) -> String? {
        for name in ["\"id\":", "\"product_id\":"] {
            guard let found = json.firstRange(of: name) else { continue }
            let rest = json[found.upperBound...].drop { $0 == " " }.dropFirst()
            return rest.firstIndex(of: "\"").map { String(rest[..<$0]) }
        }
        return nil
    }

    static func text(port: UInt16, tag: String, product: String?) -> String {
        let shop = "http://localhost:\(port)"
        let credentials =
            "\"email\":\"ada-\(tag)@example.com\",\"password\":\"correct horse battery staple\""
        let product = product ?? "PRODUCT_ID_FROM \(shop)/products"
        return """
            Anyway is up: \(shop)

            Register, sign in, check out:

              curl -sw '\\n' \(shop)/users -H 'content-type: application/json' -d '{\(credentials),"name":"Ada Lovelace"}'

              TOKEN=$(curl -s \(shop)/users/login -H 'content-type: application/json' -d '{\(credentials)}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

              curl -siw '\\n' \(shop)/orders -H "authorization: Bearer $TOKEN" -H "idempotency-key: $(cat /proc/sys/kernel/random/uuid)" -H 'content-type: application/json' -d '{"items":[{"product_id":"\(product)","quantity":1}],"payment_method":"pm_card_visa","shipping_address":{"name":"Ada Lovelace","line1":"12 St James Square","city":"London","postal_code":"SW1Y 4JH","country":"GB"}}'

            Changed your mind? The order's id is in the answer:

              curl -sw '\\n' -X POST \(shop)/orders/ORDER_ID/cancel -H "authorization: Bearer $TOKEN"

            Then break it: stack kill payment, check out again, stack start payment, stack verify --wait 40
            """
    }
}
