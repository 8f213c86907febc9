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
        guard let product = try await store.one(update) else {
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
