internal import HTTP
internal import Postgres
internal import Sagas
internal import ServiceKit

extension OrderRoutes {
    private struct Page: Encodable {
        let items: [PendingSaga]
        let nextCursor: String?

        enum CodingKeys: String, CodingKey {
            case items
            case nextCursor = "next_cursor"
        }
    }

    /// The sagas that have not ended: `?state=stuck&limit=20&cursor=…`; for administrators.
    @Sendable func listSagas(_ request: Request) async throws(Problem) -> Response {
        _ = try request.admin()
        let filter = try Self.filter(of: request)
        let limit = try request.queryValue("limit", as: Int.self) ?? 20
        guard (1...100).contains(limit) else { throw .badRequest("limit must be from 1 to 100") }
        let after = try request.queryValue("cursor", as: SagaCursor.self)
        do throws(DatabaseError) {
            // One more than asked for tells whether there is another page.
            let found = try await oversight.list(filter, after: after, limit: limit + 1)
            let page = Array(found.prefix(limit))
            let next = found.count > page.count ? page.last.map { "\(SagaCursor($0))" } : nil
            return .json(Page(items: page, nextCursor: next))
        } catch {
            throw Problem(error)
        }
    }

    private static func filter(of request: Request) throws(Problem) -> SagaFilter? {
        guard let text = request.query.first("state"), !text.isEmpty else { return nil }
        guard let filter = SagaFilter(text) else {
            let known = SagaFilter.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badRequest("state must be one of \(known)")
        }
        return filter
    }
}
