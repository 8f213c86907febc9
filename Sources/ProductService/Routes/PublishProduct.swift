internal import Contracts
internal import HTTP
internal import Messaging
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// The statement that tells of a product, for the transaction that makes it so.
    func event(
        _ type: String,
        _ product: ProductID,
        version: Int64
    ) throws(Problem) -> InsertEvent {
        let data = ProductEventData(productID: product, version: version)
        return try told { () throws(DatabaseError) in
            try outbox.publish(
                type,
                subject: product.description,
                sequence: version,
                data: data
            )
        }
    }

    /// The statement that tells of pieces that came in.
    func event(_ receipt: DeliveryReceipt) throws(Problem) -> InsertEvent {
        let data = DeliveryEventData(productID: receipt.productID, quantity: receipt.quantity)
        return try told { () throws(DatabaseError) in
            try outbox.publish(
                ProductEvent.delivered,
                subject: receipt.movementID.canonical,
                sequence: 1,
                data: data
            )
        }
    }

    private func told(
        _ publish: () throws(DatabaseError) -> InsertEvent
    ) throws(Problem) -> InsertEvent {
        do throws(DatabaseError) { return try publish() } catch { throw Problem(error) }
    }
}
