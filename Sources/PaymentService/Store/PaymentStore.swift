internal import Contracts
internal import Messaging
internal import Postgres

/// What the payment service asks of its database.
///
/// Each method is one round trip and one commit.
struct PaymentStore: Sendable {
    let database: Database
    /// What has happened, for others to read.
    var outbox = Outbox()

    /// Commits the intent to charge, or finds what the order has.
    func begin(_ order: OrderID, _ request: ChargeRequest) async throws(DatabaseError) -> Payment {
        let insert = InsertPayment(order: order, id: .only(of: order), request: request)
        return try only(try await database.pipeline(insert, SelectPayment(order: order)).1)
    }

    /// Commits a tombstone, or finds what the order has.
    func beginVoid(_ order: OrderID) async throws(DatabaseError) -> Payment {
        let insert = InsertTombstone(order: order, id: .only(of: order))
        return try only(try await database.pipeline(insert, SelectPayment(order: order)).1)
    }

    /// Commits a change, unless somebody was faster, and says what the row is now.
    func record(
        _ change: PaymentChange,
        of payment: Payment
    ) async throws(DatabaseError) -> Payment {
        let told = ToldEvents(events: try outbox.told(change, of: payment))
        let update = UpdatePayment(payment: payment, change: change, told: told)
        return try only(
            try await database.pipeline(update, SelectPayment(order: payment.order)).1
        )
    }

    /// Commits a payment that was lost, as the provider remembers it, unless there is one.
    func restore(
        _ intent: ProviderIntent,
        _ origin: ProviderIntent.Origin
    ) async throws(DatabaseError) {
        let change = PaymentChange.capture(intent: intent.id)
        let told = ToldEvents(events: try outbox.told(change, of: Payment(intent, origin)))
        try await database.run(RestorePayment(intent: intent, origin: origin, told: told))
    }

    /// Finds an order's payment.
    func find(_ order: OrderID) async throws(DatabaseError) -> Payment? {
        try await database.one(SelectPayment(order: order))
    }

    /// Leases up to `limit` payments whose void is stuck.
    func claimStuck(limit: Int) async throws(DatabaseError) -> [OrderID] {
        try await database.all(ClaimStuckPayments(limit: Int64(limit)))
    }

    /// Counts what should have ended long ago.
    func countUnsettled() async throws(DatabaseError) -> (charges: Int64, voids: Int64) {
        try await database.one(CountUnsettledPayments()) ?? (charges: 0, voids: 0)
    }

    private func only(_ rows: [Payment]) throws(DatabaseError) -> Payment {
        guard let payment = rows.first else { throw .decoding("payments: a row disappeared") }
        return payment
    }
}

extension PaymentID {
    /// The payment of an order: there is one, so it has the order's own number.
    ///
    /// The provider knows a charge by it. Should a database come back without its last commits, the
    /// order asked for again is charged under the same key, which charges nobody twice.
    static func only(of order: OrderID) -> PaymentID { PaymentID(order.uuid) }
}
