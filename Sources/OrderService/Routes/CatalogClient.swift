internal import Contracts
internal import HTTP
internal import Mesh
internal import Postgres
internal import Synchronization

/// Asks the product service what things cost.
final class CatalogClient: Sendable {
    /// The longest quote: 100 lines with long titles.
    private static let maxAnswer = 256 * 1024

    private let upstream: Upstream
    private let memory = Mutex(PriceMemory())
    /// Quotes that are asked for at the same time are asked for in one call.
    private let shared: Batcher<[OrderLine], Never, Shared>

    /// A quote that was asked for with others; nil when it has to be asked for alone.
    private typealias Shared = Result<Quote?, Problem>

    init(upstream: Upstream) {
        self.upstream = upstream
        shared = Batcher(timeout: upstream.policy.callTimeout) { asked throws(DatabaseError) in
            await Self.share(asked, upstream)
        }
    }

    /// Today's prices of a checkout's lines; nothing is reserved by asking.
    ///
    /// - Parameter remembering: give the last prices known when nobody answers.
    /// - Throws: 422 naming every line whose product is unknown; 502, 503 or 504 when nobody answers.
    func quote(_ checkout: Checkout, remembering: Bool) async throws(Problem) -> Quote {
        do throws(Problem) {
            let quote = try await quote(checkout)
            memory.withLock { $0.remember(quote) }
            return quote
        } catch {
            guard remembering, [502, 503, 504].contains(error.status.code),
                let remembered = memory.withLock({ $0.quote(checkout.lines) })
            else { throw error }
            return remembered
        }
    }

    /// Whether the product service can be asked at all.
    func answers(_ lines: [OrderLine]) async -> Bool {
        do throws(Problem) {
            return try await ask(Lines(lines)).status.code < 500
        } catch {
            return false
        }
    }

    private func quote(_ checkout: Checkout) async throws(Problem) -> Quote {
        let share = try? await shared.submit(checkout.lines, key: nil)
        if let quote = try share?.get() { return quote }
        let response = try await ask(Lines(checkout.lines))
        guard response.status == .ok else { throw await refusal(response, checkout) }
        do throws(ClientError) {
            return try await response.json(Quote.self, limit: Self.maxAnswer)
        } catch {
            throw .unavailable("the catalog's answer was cut short", retryAfter: .seconds(1))
        }
    }

    /// Asks for several checkouts' prices in one call, which fails for all of them when nobody answers.
    private static func share(_ asked: [[OrderLine]], _ upstream: Upstream) async -> [Shared] {
        let products = Set(asked.joined().map(\.productID)).sorted()
        guard asked.count > 1, products.count <= Checkout.maxLines else {
            return asked.map { _ in .success(nil) }
        }
        let lines = Lines(products.map { OrderLine(productID: $0, quantity: 1) })
        let response: ClientResponse
        do throws(Problem) {
            response = try await ask(lines, upstream)
        } catch {
            return asked.map { _ in .failure(error) }
        }
        // Whatever is wrong with one is for that one to hear.
        guard response.status == .ok,
            let quote = try? await response.json(Quote.self, limit: maxAnswer)
        else { return asked.map { _ in .success(nil) } }
        let prices = Dictionary(quote.lines.map { ($0.productID, $0) }) { first, _ in first }
        return asked.map { .success(Self.quote($0, prices)) }
    }

    /// One checkout's share; nil unless every product has a price.
    private static func quote(
        _ lines: [OrderLine],
        _ prices: [ProductID: QuotedLine]
    ) -> Quote? {
        let quoted = lines.compactMap { line in
            prices[line.productID].map { price in
                QuotedLine(
                    productID: line.productID,
                    title: price.title,
                    quantity: line.quantity,
                    unitPriceCents: price.unitPriceCents,
                    currency: price.currency
                )
            }
        }
        return quoted.count == lines.count ? Quote(quoted) : nil
    }

    private func ask(_ lines: Lines) async throws(Problem) -> ClientResponse {
        try await Self.ask(lines, upstream)
    }

    private static func ask(
        _ lines: Lines,
        _ upstream: Upstream
    ) async throws(Problem) -> ClientResponse {
        guard let request = try? ClientRequest.json(.post, "/quotes", lines) else {
            throw .internalError
        }
        do throws(MeshError) {
            return try await upstream.call(request, CallOptions(isIdempotent: true))
        } catch {
            throw error.problem(upstream: "product")
        }
    }

    private struct Refused: Decodable {
        let type: String
        let errors: [Problem.Field]?
    }

    /// The product service names lines of the quote; the client knows items of its own request.
    private func refusal(_ response: ClientResponse, _ checkout: Checkout) async -> Problem {
        let unavailable = Problem.unavailable("the catalog cannot answer", retryAfter: .seconds(1))
        do throws(ClientError) {
            let refused = try await response.json(Refused.self, limit: Self.maxAnswer)
            guard refused.type == ProblemType.unknownProduct else { return unavailable }
            let errors = (refused.errors ?? []).map { Self.field($0, checkout) }
            return Problem(
                .unprocessable,
                "unknown-product",
                detail: "some products are not in the catalog",
                errors: errors
            )
        } catch {
            return unavailable
        }
    }

    private static func field(_ field: Problem.Field, _ checkout: Checkout) -> Problem.Field {
        guard checkout.positions.isEmpty else {
            return Problem.Field(
                pointer: pointer(field.pointer, checkout.positions),
                detail: field.detail
            )
        }
        // A cart's lines are not in the request, so the product has to be named.
        let parts = field.pointer.split(separator: "/")
        let line = parts.count == 3 ? Int(parts[1]) : nil
        guard let line, checkout.lines.indices.contains(line) else {
            return Problem.Field(pointer: checkout.pointer, detail: field.detail)
        }
        return Problem.Field(
            pointer: checkout.pointer,
            detail: "\(checkout.lines[line].productID) \(field.detail)"
        )
    }

    /// `/lines/0/product_id` of the quote is `/items/N/product_id` of the checkout.
    static func pointer(_ pointer: String, _ positions: [Int]) -> String {
        let parts = pointer.split(separator: "/")
        guard parts.count == 3, let line = Int(parts[1]), positions.indices.contains(line) else {
            return "/items"
        }
        return "/items/\(positions[line])/\(parts[2])"
    }
}
