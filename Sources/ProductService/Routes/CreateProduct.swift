internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// `POST /products`: adds a product to the catalog, with what is on the shelf already.
    func create(_ request: Request) async throws(Problem) -> Response {
        let person = try request.admin().user
        let draft = try await request.json(ProductDraft.self)
        try draft.checked()
        let insert = InsertProduct(id: .next(), draft: draft, person: person)
        let product = try await store.transaction {
            (tx: Transaction<Problem>) async throws(Problem) -> Product in
            guard let product = try await tx.one(insert) else { throw .internalError }
            let event = try event(ProductEvent.created, product.id, version: product.version)
            try await tx.run(event)
            return product
        }
        return .json(
            product,
            status: .created,
            headers: [.location: "/products/\(product.id)", .etag: product.entityTag]
        )
    }
}

extension ProductDraft {
    fileprivate func checked() throws(Problem) {
        do throws(InvalidInput) { try validate() } catch { throw error.bodyProblem }
    }
}
