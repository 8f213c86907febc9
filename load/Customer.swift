internal import HTTP
internal import Reactor

/// One customer who checks out again and again.
struct Customer: Sendable {
    private struct Address: Encodable {
        let line1 = "1 Loop Street"
        let city = "Localhost"
        let country = "US"
    }

    private struct Line: Encodable {
        let product_id: String
        let quantity: Int
    }

    private struct Checkout: Encodable {
        let items: [Line]
        let payment_method = "pm_card_visa"
        let shipping_address = Address()
    }

    let shop: Shop
    let token: String
    let products: [String]
    let maxLines: Int
    /// When checkouts are due; nil for one after the other.
    let pace: Pace?

    /// Shops until the deadline, or until the task is cancelled.
    func shop(until end: Deadline) async -> Tally {
        var tally = Tally()
        var due = pace?.first
        while !end.hasPassed, !Task.isCancelled {
            guard let request = try? checkout() else { break }
            if let due {
                guard due < end, (try? await EventLoop.sleep(until: due)) != nil else { break }
            }
            let start = due ?? Deadline.now
            if let pace { due = due?.advanced(by: pace.interval) }
            let outcome = await place(request)
            let took = Duration.nanoseconds(Int64(Deadline.now.nanoseconds - start.nanoseconds))
            tally.record(outcome, took)
        }
        return tally
    }

    private func checkout() throws -> ClientRequest {
        let products = products.shuffled().prefix(Int.random(in: 1...maxLines))
        let lines = products.map { Line(product_id: $0, quantity: Int.random(in: 1...2)) }
        let key = "load-\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
        return try .json(
            .post,
            "/orders",
            headers: ["authorization": "Bearer \(token)", "idempotency-key": key],
            Checkout(items: lines)
        )
    }

    private func place(_ request: ClientRequest) async -> String {
        var request = request
        request.isReplayable = true
        do throws(ClientError) {
            let response = try await shop.client.send(
                request,
                to: shop.endpoint,
                until: .after(.seconds(20))
            )
            _ = try await response.body(limit: 1 << 20)
            return String(response.status.code)
        } catch {
            return "no answer"
        }
    }
}

/// When the checkouts of one of many customers are due.
struct Pace: Sendable, Equatable {
    let first: Deadline
    let interval: Duration

    /// The customer's share of `rate` checkouts a second of all, evenly between the others'.
    init(rate: Int, _ number: Int, of customers: Int, from start: Deadline) {
        interval = .seconds(1) * customers / rate
        first = start.advanced(by: interval * number / customers)
    }
}

/// What customers have seen.
struct Tally: Sendable, Equatable {
    private(set) var latencies = Latencies()
    private(set) var outcomes: [String: Int] = [:]

    mutating func record(_ outcome: String, _ duration: Duration) {
        latencies.record(duration)
        outcomes[outcome, default: 0] += 1
    }

    mutating func add(_ other: Tally) {
        latencies.add(other.latencies)
        outcomes.merge(other.outcomes, uniquingKeysWith: +)
    }
}
