import Contracts
import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import OrderService

/// A catalog that knows every product but one, and counts its calls.
private final class Catalog: Sendable {
    let unknown = ProductID.next()
    let calls = Mutex<[Int]>([])

    var handler: Handler {
        var router = Router()
        router.on(.post, "/quotes") { [self] request throws(Problem) in
            let wanted = try await request.json(Lines.self)
            calls.withLock { $0.append(wanted.lines.count) }
            if let index = wanted.lines.firstIndex(where: { $0.productID == unknown }) {
                throw Problem(
                    .unprocessable,
                    "unknown-product",
                    errors: [Problem.Field(pointer: "/lines/\(index)/product_id", detail: "is not")]
                )
            }
            return .json(
                Quote(
                    wanted.lines.map {
                        QuotedLine(
                            productID: $0.productID,
                            title: "Kettle",
                            quantity: $0.quantity,
                            unitPriceCents: 700,
                            currency: "USD"
                        )
                    }
                )
            )
        }
        return router.handler
    }
}

@Suite struct SharedQuoteTests {
    private func checkout(_ lines: [OrderLine]) throws -> Checkout {
        let address = ShippingAddress(
            name: nil,
            line1: "1 Loop Street",
            line2: nil,
            city: "Localhost",
            postalCode: nil,
            country: "US"
        )
        return try Checkout(
            CheckoutRequest(items: lines, paymentMethod: "pm_card_visa", shippingAddress: address)
        )
    }

    /// Asks for the quotes of several checkouts in one turn of a loop.
    private func quotes(
        _ catalog: Catalog,
        _ checkouts: [Checkout]
    ) async throws -> [Result<Quote, Problem>] {
        let group = try EventLoopGroup(count: 1)
        let server = HTTPServer(
            listener: try Listener.bind(.loopback(port: 0)),
            handler: catalog.handler
        )
        let serving = Task { try await server.run(on: group) }
        let client = CatalogClient(
            upstream: Upstream(
                name: "product",
                endpoints: try Endpoints("\(server.address)"),
                client: HTTPClient(),
                tls: nil,
                log: .silent,
                metrics: Metrics()
            )
        )
        // Begun on the loop: from outside it could be at the first before the last is there.
        let results = await Task(executorPreference: group.loops[0]) {
            await withTaskGroup(of: (Int, Result<Quote, Problem>).self) { tasks in
                for (index, checkout) in checkouts.enumerated() {
                    tasks.addTask {
                        do throws(Problem) {
                            let quote = try await client.quote(checkout, remembering: false)
                            return (index, .success(quote))
                        } catch {
                            return (index, .failure(error))
                        }
                    }
                }
                return await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
        }.value
        serving.cancel()
        _ = await serving.result
        group.shutdown()
        return checkouts.indices.compactMap { results[$0] }
    }

    @Test(.timeLimit(.minutes(1)))
    func `checkouts of one moment ask once, and each has its own lines`() async throws {
        let catalog = Catalog()
        let (first, second) = (ProductID.next(), ProductID.next())
        let wanted = [
            [OrderLine(productID: second, quantity: 2), OrderLine(productID: first, quantity: 1)],
            [OrderLine(productID: first, quantity: 10_000)],
            [OrderLine(productID: second, quantity: 3)],
        ]
        let quotes = try await quotes(catalog, try wanted.map(checkout)).map { try $0.get() }
        for (quote, lines) in zip(quotes, wanted) {
            #expect(quote.lines.map(\.productID) == lines.map(\.productID))
            #expect(quote.lines.map(\.quantity) == lines.map(\.quantity))
            #expect(quote.lines.allSatisfy { $0.unitPriceCents == 700 })
        }
        #expect(catalog.calls.withLock { $0 } == [2])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a checkout of an unknown product is refused, those beside it are not`() async throws {
        let catalog = Catalog()
        let good = try checkout([OrderLine(productID: .next(), quantity: 1)])
        let bad = try checkout([
            OrderLine(productID: .next(), quantity: 1),
            OrderLine(productID: catalog.unknown, quantity: 1),
        ])
        let quotes = try await quotes(catalog, [good, bad, good])
        #expect(try quotes[0].get().lines.count == 1)
        #expect(try quotes[2].get().lines.count == 1)
        guard case .failure(let problem) = quotes[1] else {
            Issue.record("an unknown product was quoted")
            return
        }
        #expect(problem.errors.map(\.pointer) == ["/items/1/product_id"])
    }

    @Test(.timeLimit(.minutes(1)))
    func `more products than one call takes are asked for one by one`() async throws {
        let catalog = Catalog()
        let wanted = try (0..<2).map { _ in
            try checkout((0..<60).map { _ in OrderLine(productID: .next(), quantity: 1) })
        }
        let quotes = try await quotes(catalog, wanted).map { try $0.get() }
        #expect(quotes.map(\.lines.count) == [60, 60])
        #expect(catalog.calls.withLock { $0 } == [60, 60])
    }
}
