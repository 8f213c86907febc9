internal import HTTP
internal import Postgres
internal import ServiceKit

extension PaymentRoutes {
    /// `GET /ops/payments/discrepancies?state=open|all&limit&cursor`: where the provider's records
    /// and our books did not agree, the newest first.
    ///
    /// - Throws: 403 for everybody but administrators; 400 for a parameter that cannot be used.
    func listDiscrepancies(_ request: Request) async throws(Problem) -> Response {
        _ = try request.admin()
        let page: DiscrepancyPage
        do throws(DiscrepancyPage.Invalid) {
            page = try DiscrepancyPage(query: request.query)
        } catch {
            throw Problem(
                .badRequest,
                "invalid-parameter",
                detail: "\(error.parameter) \(error.detail)",
                errors: [Problem.Field(pointer: "?\(error.parameter)", detail: error.detail)]
            )
        }
        do throws(DatabaseError) {
            let found = try await settlement.store.database.all(SelectDiscrepancies(page: page))
            return .json(
                DiscrepancyList(page, found),
                headers: [.cacheControl: "private, no-store"]
            )
        } catch {
            throw Problem(error)
        }
    }
}
