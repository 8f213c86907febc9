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
    let account: Account
    let products: [String]
    let maxLines: Int
    /// When checkouts are due; nil for one after the other.
    let pace: Pace?
    /// Where what was seen is written down; with it, orders are also read and asked for again.
    let history: History?

    /// Shops until the deadline, or until the task is cancelled.
    func shop(until end: Deadline) async -> Tally {
        var tally = Tally()
        var due = pace?.first
        while !end.hasPassed, !Task.isCancelled {
            let key = "load-\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
            guard let request = try? checkout(key) else { break }
            if let due {
                guard due < end, (try? await EventLoop.sleep(until: due)) != nil else { break }
            }
            let start = due ?? Deadline.now
            if let pace { due = due?.advanced(by: pace.interval) }
            let answer = await ask(request)
            let took = Duration.nanoseconds(Int64(Deadline.now.nanoseconds - start.nanoseconds))
            tally.record(answer.status.map { String($0) } ?? "no answer", took)
            if let history { await follow(request, key, start, answer, history, until: end) }
        }
        return tally
    }

    private func checkout(_ key: String) throws -> ClientRequest {
        let products = products.shuffled().prefix(Int.random(in: 1...maxLines))
        let lines = products.map { Line(product_id: $0, quantity: Int.random(in: 1...2)) }
        return try .json(
            .post,
            "/orders",
            headers: ["authorization": "Bearer \(account.token)", "idempotency-key": key],
            Checkout(items: lines)
        )
    }

    // MARK: A history

    /// How often a checkout without a definite answer is asked again.
    private static let repeats = 5

    /// Writes down what was seen; reads the order, and asks again where there is something to learn:
    /// always when the answer left the fate open, now and then when it did not.
    private func follow(
        _ request: ClientRequest,
        _ key: String,
        _ start: Deadline,
        _ answer: Answer,
        _ history: History,
        until end: Deadline
    ) async {
        var line = note(.checkout, key, start, answer, history)
        if let order = line.order { await read(order, key, history) }
        var asked = 0
        while line.outcome == .unknown || line.status == 202
            || (asked == 0 && Int.random(in: 0..<8) == 0),
            asked < Self.repeats, !end.hasPassed, !Task.isCancelled
        {
            if asked > 0 { try? await EventLoop.sleep(for: .milliseconds(250)) }
            asked += 1
            let start = Deadline.now
            line = note(.checkout, key, start, await ask(request), history)
            if let order = line.order { await read(order, key, history) }
        }
    }

    private func read(_ order: String, _ key: String, _ history: History) async {
        let request = ClientRequest(
            .get,
            "/orders/\(order)",
            headers: ["authorization": "Bearer \(account.token)"]
        )
        let start = Deadline.now
        var answer = await ask(request)
        if answer.order == nil {
            // A problem does not say which order it is about.
            answer = Answer(status: answer.status, body: .object(["id": .string(order)]))
        }
        _ = note(.read, key, start, answer, history)
    }

    private func note(
        _ kind: HistoryLine.Kind,
        _ key: String,
        _ start: Deadline,
        _ answer: Answer,
        _ history: History
    ) -> HistoryLine {
        let line = HistoryLine(kind, customer: account.id, key: key, start: start, answer)
        history.record(line)
        return line
    }

    private func ask(_ request: ClientRequest) async -> Answer {
        var request = request
        request.isReplayable = true
        do throws(ClientError) {
            let response = try await shop.client.send(
                request,
                to: shop.endpoint,
                until: .after(.seconds(20))
            )
            let body = try await response.body(limit: 1 << 20)
            let value = history == nil ? nil : try? JSON.decode(JSONValue.self, from: body)
            return Answer(status: response.status.code, body: value)
        } catch {
            return .none
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
