internal import Contracts
internal import Messaging
internal import Postgres
internal import Sagas

/// What cancelling an order takes, in the order it happens.
///
/// The decision is committed with the request. From then on nothing can fail for good: each step is
/// retried until it succeeds. The customer is notified by the event that ends it.
struct CancelOrderSaga: Sendable {
    let stock: StockParticipant
    let payments: PaymentParticipant
    let outbox: Outbox

    var definition: Saga<Order> {
        Saga("cancel-order", finished: announce) {
            Decision("cancel order")
            Retry("refund payment", do: payments.refund)
            Retry("restock", do: stock.release)
        }
    }

    private func announce(_ order: Order, _ commit: SagaCommit) async throws(DatabaseError) {
        let cancelled = order.ended(.cancelled)
        try await commit(
            MoveOrder(to: cancelled, from: .cancelling),
            outbox.publish(
                OrderEvent.cancelled,
                subject: order.id.description,
                sequence: 3,
                data: cancelled.eventData
            )
        )
    }
}
