internal import Contracts
internal import Mesh
internal import Messaging
internal import Postgres
internal import Sagas
internal import ServiceKit

/// The sagas that orders go through, each with its driver in this process.
struct OrderSagas: Sendable {
    let placing: SagaRunner<Order>
    let cancelling: SagaRunner<Order>
    /// What requests wait for while their orders are placed.
    let awaited = AwaitedAnswers()

    init(
        _ participants: (stock: StockParticipant, payments: PaymentParticipant),
        _ database: Database,
        _ commits: GroupCommit,
        _ outbox: Outbox,
        _ configuration: OrderConfiguration,
        _ boot: Boot
    ) {
        let place = PlaceOrderSaga(
            stock: participants.stock,
            payments: participants.payments,
            outbox: outbox,
            deadline: configuration.checkoutDeadline,
            awaited: awaited
        )
        let cancel = CancelOrderSaga(
            stock: participants.stock,
            payments: participants.payments,
            outbox: outbox
        )
        func runner(_ saga: Saga<Order>) -> SagaRunner<Order> {
            SagaRunner(
                saga,
                database: database,
                driver: boot.instance,
                policy: configuration.sagas,
                commits: commits,
                log: boot.log,
                metrics: boot.metrics,
                tracer: boot.tracer
            ) { id throws(DatabaseError) in try await database.one(FindOrder(id: OrderID(id))) }
        }
        placing = runner(place.definition)
        cancelling = runner(cancel.definition)
    }
}
