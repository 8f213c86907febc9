import HTTP

/// What is asked for: a few bytes of text, a value as JSON, and 1 KiB.
///
/// None of it has to wait, so none needs a task. The text also comes from a handler that might wait,
/// in a task, for comparison.
struct BenchRoutes: Sendable {
    /// As many fields as a small answer of the shop has.
    private struct Product: Encodable {
        var currency = "USD"
        var id = "0192f0c1-7a3e-7c55-8a51-3f1f0c0de5a1"
        var price_cents = 1999
        var quantity = 3
        var title = "A kettle that whistles"
    }

    func add(to router: inout Router) {
        let kibibyte = [UInt8](repeating: 0x78, count: 1024)
        router.immediate(.get, "/plaintext") { _ throws(Problem) in .text("Hello, World!") }
        router.on(.get, "/waiting") { _ throws(Problem) in .text("Hello, World!") }
        router.immediate(.get, "/json") { _ throws(Problem) in .json(Product()) }
        router.immediate(.get, "/kibibyte") { _ throws(Problem) in
            .bytes(kibibyte, type: "application/octet-stream")
        }
    }
}
