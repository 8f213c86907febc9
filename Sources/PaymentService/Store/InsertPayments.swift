internal import Contracts
internal import Postgres

/// The wish to charge an order, under an id that the provider will know it by.
struct ChargeIntent: Sendable {
    let order: OrderID
    let id: PaymentID
    let request: ChargeRequest
}

/// Writes down intents to charge, before the provider hears of them; an order that has a payment or a
/// tombstone is left alone and has no row in the answer.
///
/// A rival's insert in flight is waited for. The orders must be distinct.
struct InsertPayments: Statement {
    static let sql = """
        INSERT INTO payments
            (order_id, id, customer_id, status, amount_cents, currency, payment_method)
        SELECT p.order_id, p.id, p.customer_id, 'processing', p.cents, p.currency, p.method
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[])
            AS p (order_id, id, customer_id, cents, currency, method)
        ORDER BY p.order_id
        ON CONFLICT DO NOTHING
        RETURNING \(SelectPayment.columns)
        """
    let intents: [ChargeIntent]

    func bind(_ parameters: inout Parameters) {
        parameters.append(intents.map(\.order.uuid), intents.map(\.id.uuid))
        parameters.append(intents.map(\.request.customerID.uuid))
        parameters.append(intents.map(\.request.amountCents), intents.map(\.request.currency))
        parameters.append(intents.map(\.request.paymentMethod))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Payment {
        try SelectPayment.decode(row)
    }
}
