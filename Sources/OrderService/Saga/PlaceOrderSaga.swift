internal import Contracts
internal import Messaging
internal import Postgres
internal import Sagas

/// What placing an order takes, in the order it happens.
///
/// Until the pivot every step can be undone.
struct PlaceOrderSaga: Sendable {
    let stock: StockParticipant
    let payments: PaymentParticipant
    let outbox: Outbox
    let deadline: Duration
    let awaited: AwaitedAnswers

    var definition: Saga<Order> {
        Saga("place-order", deadline: deadline, reject: reject) {
            Step("reserve stock", do: stock.reserve, undo: stock.release)
            Step("charge payment", do: payments.charge, undo: payments.refund)
            Pivot("confirm order", commit: confirm)
        }
    }

    private func confirm(_ order: Order, _ commit: SagaCommit) async throws(DatabaseError) {
        let confirmed = order.ended(.confirmed)
        let answer = OrderAnswer.confirmed(confirmed)
        awaited.note(answer, for: order.id)
        try await commit(
            EndOrder(order: confirmed, answer: answer),
            outbox.publish(
                OrderEvent.confirmed,
                subject: order.id.description,
                sequence: 2,
                data: confirmed.eventData
            )
        )
    }

    private func reject(
        _ order: Order,
        _ refusal: Refusal,
        _ commit: SagaCommit
    ) async throws(DatabaseError) {
        let rejected = order.ended(.rejected, because: refusal.reason)
        let answer = OrderAnswer.rejected(rejected, refusal)
        awaited.note(answer, for: order.id)
        try await commit(
            EndOrder(order: rejected, answer: answer),
            outbox.publish(
                OrderEvent.rejected,
                subject: order.id.description,
                sequence: 2,
                data: rejected.eventData
            ),
            PutBackInCart(order: rejected)
        )
    }
}
