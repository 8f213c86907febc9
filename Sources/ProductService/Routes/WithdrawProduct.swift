internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// `DELETE /products/{id}`: takes a product out of the catalog; again is as good as once.
    func withdraw(_ request: Request) async throws(Problem) -> Response {
        _ = try request.admin()
        let id = try request.parameter("id", as: ProductID.self)
        let mark = MarkWithdrawn(id: id, versions: request.allowedVersions)
        let isMarked = try await store.transaction {
            (tx: Transaction<Problem>) async throws(Problem) -> Bool in
            guard let version = try await tx.one(mark) else { return false }
            let event = try event(ProductEvent.withdrawn, id, version: version)
            try await tx.run(event)
            return true
        }
        if isMarked { return .empty() }
        switch try await store.one(FindWithdrawal(id: id)) {
        case true?: return .empty()
        case false?: throw .changedMeanwhile
        case nil: throw .notFound("there is no product \(id)")
        }
    }
}
