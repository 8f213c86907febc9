internal import Contracts
internal import FoundationEssentials

/// What the provider remembers, for comparison with our books; nothing here changes anything but
/// `giveBack`.
protocol ProviderRecords: Sendable {
    /// Intents created in a span of seconds, newest first, with their charges.
    func intents(
        from: Int64,
        to: Int64,
        after: String?
    ) async throws(NoResponse) -> RecordPage<ProviderIntent>
    /// Refunds created in a span of seconds, newest first.
    func refunds(
        from: Int64,
        to: Int64,
        after: String?
    ) async throws(NoResponse) -> RecordPage<ProviderRefund>
    /// One intent with its charge; nil when the provider does not know it.
    func intent(_ id: String) async throws(NoResponse) -> ProviderIntent?
    /// Gives all of an intent's money back, once.
    func giveBack(_ intent: ProviderIntent) async -> ProviderAnswer
}

/// One page of a list, and where the next one begins.
struct RecordPage<Record: Sendable>: Sendable {
    let records: [Record]
    /// Nil on the last page.
    let next: String?
}

extension StripeClient: ProviderRecords {
    /// The most that a page of Stripe's holds.
    private static let pageSize = 100

    func intents(
        from: Int64,
        to: Int64,
        after: String?
    ) async throws(NoResponse) -> RecordPage<ProviderIntent> {
        var form = Self.span(from, to, after)
        form.append("expand[]", "data.latest_charge")
        let page = try await read("/v1/payment_intents", form, as: Page<IntentBody>.self)
        return RecordPage(
            records: page.data.map(\.record),
            next: page.has_more ? page.data.last?.id : nil
        )
    }

    func refunds(
        from: Int64,
        to: Int64,
        after: String?
    ) async throws(NoResponse) -> RecordPage<ProviderRefund> {
        let form = Self.span(from, to, after)
        let page = try await read("/v1/refunds", form, as: Page<RefundBody>.self)
        return RecordPage(
            // A refund without an intent is not of a payment that we could have made.
            records: page.data.compactMap(\.record),
            next: page.has_more ? page.data.last?.id : nil
        )
    }

    func intent(_ id: String) async throws(NoResponse) -> ProviderIntent? {
        guard Self.isID(id) else { throw NoResponse(reason: "the intent's id is malformed") }
        var form = Form()
        form.append("expand[]", "latest_charge")
        let path = "/v1/payment_intents/\(id)"
        let answer = try await transport.send(StripeRequest(path: path, key: nil, form: form))
        if answer.status == 404 { return nil }
        return try Self.decode(answer, as: IntentBody.self).record
    }

    func giveBack(_ intent: ProviderIntent) async -> ProviderAnswer {
        var form = Form()
        form.append("payment_intent", intent.id)
        if let origin = intent.origin {
            form.append("metadata[order_id]", origin.order.description)
        }
        return await ask("/v1/refunds", "stray:\(intent.id)", form, ProviderAnswer.ofRefund)
    }

    private static func span(_ from: Int64, _ to: Int64, _ after: String?) -> Form {
        var form = Form()
        form.append("created[gte]", String(from))
        form.append("created[lt]", String(to))
        form.append("limit", String(pageSize))
        if let after { form.append("starting_after", after) }
        return form
    }

    private func read<Body: Decodable>(
        _ path: String,
        _ form: Form,
        as type: Body.Type
    ) async throws(NoResponse) -> Body {
        let request = StripeRequest(path: path, key: nil, form: form)
        return try Self.decode(try await transport.send(request), as: type)
    }

    private static func decode<Body: Decodable>(
        _ answer: StripeResponse,
        as type: Body.Type
    ) throws(NoResponse) -> Body {
        guard answer.status == 200 else { throw NoResponse(reason: "status \(answer.status)") }
        guard let body = try? JSONDecoder().decode(type, from: Data(answer.body)) else {
            throw NoResponse(reason: "an unreadable record")
        }
        return body
    }
}

/// A page as far as we read it; names as on the wire, here and below.
private struct Page<Record: Decodable>: Decodable {
    let data: [Record]
    let has_more: Bool
}

private struct IntentBody: Decodable {
    struct Charge: Decodable {
        let amount_refunded: Int64
    }

    let id: String
    let status: String
    let amount: Int64
    let amount_received: Int64
    let currency: String
    let created: Int64
    let metadata: [String: String]
    let latest_charge: Charge?

    var record: ProviderIntent {
        ProviderIntent(
            id: id,
            isPaid: status == "succeeded",
            amountCents: status == "succeeded" ? amount_received : amount,
            currency: currency.uppercased(),
            refundedCents: latest_charge?.amount_refunded ?? 0,
            created: created,
            origin: origin
        )
    }

    private var origin: ProviderIntent.Origin? {
        guard let order = metadata["order_id"].flatMap(OrderID.init),
            let payment = metadata["payment_id"].flatMap(PaymentID.init)
        else { return nil }
        return .init(
            order: order,
            payment: payment,
            customer: metadata["customer_id"].flatMap(UserID.init),
            method: metadata["payment_method"].flatMap(PaymentMethod.init)
        )
    }
}

private struct RefundBody: Decodable {
    let id: String
    let payment_intent: String?
    let amount: Int64
    let status: String
    let metadata: [String: String]

    var record: ProviderRefund? {
        guard let payment_intent else { return nil }
        return ProviderRefund(
            id: id,
            intent: payment_intent,
            amountCents: amount,
            isGood: status == "succeeded" || status == "pending",
            order: metadata["order_id"].flatMap(OrderID.init)
        )
    }
}
