internal import Contracts
internal import FoundationEssentials
internal import Postgres

/// Finds an order's payment.
///
/// Stripe forgets idempotency keys after 24 hours, so from 23 hours on a key proves nothing.
struct SelectPayment: Statement {
    static let sql = "SELECT \(columns) FROM payments WHERE order_id = $1"
    /// What makes a payment, in the order in which `decode` reads it.
    static let columns = """
        order_id, id, customer_id, status, amount_cents, currency, payment_method,
        provider_intent, decline_code, created_at > now() - interval '23 hours'
        """
    let order: OrderID

    func bind(_ parameters: inout Parameters) {
        parameters.append(order.uuid)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Payment {
        let customer: UUID? = try row[2]
        let method: String? = try row[6]
        return Payment(
            order: OrderID(try row[0]),
            id: PaymentID(try row[1]),
            customer: customer.map(UserID.init),
            status: try row[3],
            amountCents: try row[4],
            currency: try row[5],
            method: method.flatMap(PaymentMethod.init),
            intent: try row[7],
            declineCode: try row[8],
            keyIsFresh: try row[9]
        )
    }
}

/// Finds the payments of some orders, in any order.
struct SelectPayments: Statement {
    static let sql = "SELECT \(SelectPayment.columns) FROM payments WHERE order_id = ANY ($1)"
    let orders: [OrderID]

    func bind(_ parameters: inout Parameters) {
        parameters.append(orders.map(\.uuid))
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Payment {
        try SelectPayment.decode(row)
    }
}

extension PaymentStatus: PostgresValue {}
