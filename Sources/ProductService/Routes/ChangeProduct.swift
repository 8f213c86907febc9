internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// `PATCH /products/{id}`: changes what the body names; with `If-Match`, only what the editor saw.
    func change(_ request: Request) async throws(Problem) -> Response {
        _ = try request.admin()
        let id = try request.parameter("id", as: ProductID.self)
        let change = try await request.json(ProductChange.self)
        try change.checked()
        let update = UpdateProduct(id: id, change: change, versions: request.allowedVersions)
        let changed = try await store.transaction {
            (tx: Transaction<Problem>) async throws(Problem) -> Product? in
            guard let product = try await tx.one(update) else { return nil }
            let event = try event(ProductEvent.changed, id, version: product.version)
            try await tx.run(event)
            return product
        }
        guard let product = changed else {
            guard try await store.one(FindProduct(id: id)) == nil else {
                throw .changedMeanwhile
            }
            throw .notFound("there is no product \(id)")
        }
        return .json(product, headers: [.etag: product.entityTag])
    }
}

extension ProductChange {
    fileprivate func checked() throws(Problem) {
        do throws(InvalidInput) { try validate() } catch { throw error.bodyProblem }
    }
}

extension Request {
    /// The versions that `If-Match` names; nil when it is absent or matches any.
    var allowedVersions: [Int64]? {
        let values = headers.all(.ifMatch)
        guard !values.isEmpty else { return nil }
        return EntityTags(values.joined(separator: ",")).versions
    }
}

extension Problem {
    /// 412: somebody else was faster.
    static var changedMeanwhile: Problem {
        Problem(
            .preconditionFailed,
            "changed-meanwhile",
            detail: "the product has changed since it was read; read it again"
        )
    }
}
