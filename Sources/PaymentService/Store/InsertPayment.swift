internal import Contracts
internal import Postgres

/// Writes down the intent to charge, before the provider hears of it; does nothing if the order has
/// a payment or a tombstone.
///
/// A rival's insert in flight is waited for.
struct InsertPayment: Statement {
    static let sql = """
        INSERT INTO payments
            (order_id, id, customer_id, status, amount_cents, currency, payment_method)
        VALUES ($1, $2, $3, 'processing', $4, $5, $6)
        ON CONFLICT DO NOTHING
        """
    let order: OrderID
    let id: PaymentID
    let request: ChargeRequest

    func bind(_ parameters: inout Parameters) {
        parameters.append(order.uuid, id.uuid, request.customerID.uuid)
        parameters.append(request.amountCents, request.currency, request.paymentMethod)
    }
}
