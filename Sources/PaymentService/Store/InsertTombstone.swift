internal import Contracts
internal import Postgres

/// Voids an order that was never charged, so that a charge on its way is refused; does nothing if
/// there is a payment.
struct InsertTombstone: Statement {
    static let sql = """
        INSERT INTO payments (order_id, id, status, amount_cents, currency)
        VALUES ($1, $2, 'voided', 0, $3)
        ON CONFLICT DO NOTHING
        """
    let order: OrderID
    let id: PaymentID

    func bind(_ parameters: inout Parameters) {
        parameters.append(order.uuid, id.uuid, Money.platformCurrency)
    }
}
