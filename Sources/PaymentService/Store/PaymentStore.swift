internal import Contracts
internal import Messaging
internal import Postgres

/// What the payment service asks of its database.
///
/// Charges and changes that come at the same time share a commit.
struct PaymentStore: Sendable {
    let database: Database
    /// What has happened, for others to read.
    let outbox: Outbox
    private let intents: Batcher<ChargeIntent, OrderID, Payment>
    private let changes: Batcher<WantedChange, OrderID, Payment>

    init(database: Database) {
        let outbox = Outbox()
        self.database = database
        self.outbox = outbox
        intents = Batcher(database) { intents throws(DatabaseError) in
            let inserted = try await database.all(InsertPayments(intents: intents))
            return try await database.payments(of: intents.map(\.order), beside: inserted)
        }
        changes = Batcher(database) { changes throws(DatabaseError) in
            var events: [InsertEvent] = []
            for wanted in changes {
                events += try outbox.told(wanted.change, of: wanted.payment)
            }
            let told = ToldEvents(events: events)
            let changed = try await database.all(UpdatePayments(changes: changes, told: told))
            return try await database.payments(of: changes.map(\.payment.order), beside: changed)
        }
    }

    /// Commits the intent to charge, or finds what the order has.
    func begin(_ order: OrderID, _ request: ChargeRequest) async throws(DatabaseError) -> Payment {
        let intent = ChargeIntent(order: order, id: .only(of: order), request: request)
        return try await intents.submit(intent, key: order)
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
        let wanted = WantedChange(payment: payment, change: change)
        return try await changes.submit(wanted, key: payment.order)
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

extension Database {
    /// The payments of these orders, in their order: those that a statement just wrote, and the others as
    /// they are found.
    fileprivate func payments(
        of orders: [OrderID],
        beside written: [Payment]
    ) async throws(DatabaseError) -> [Payment] {
        var known: [OrderID: Payment] = [:]
        for payment in written { known[payment.order] = payment }
        let others = orders.filter { known[$0] == nil }
        if !others.isEmpty {
            for payment in try await all(SelectPayments(orders: others)) {
                known[payment.order] = payment
            }
        }
        let payments = orders.compactMap { known[$0] }
        guard payments.count == orders.count else {
            throw .decoding("payments: a row disappeared")
        }
        return payments
    }
}

extension PaymentID {
    /// The payment of an order: there is one, so it has the order's own number.
    ///
    /// The provider knows a charge by it. Should a database come back without its last commits, the
    /// order asked for again is charged under the same key, which charges nobody twice.
    static func only(of order: OrderID) -> PaymentID { PaymentID(order.uuid) }
}
