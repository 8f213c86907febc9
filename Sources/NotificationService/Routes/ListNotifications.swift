internal import HTTP
internal import Postgres
internal import ServiceKit

extension NotificationRoutes {
    /// `GET /notifications`: what the caller was told, the newest first.
    func list(_ request: Request) async throws(Problem) -> Response {
        let user = try request.principal().user
        let page: NotificationPage
        do throws(NotificationPage.Invalid) {
            page = try NotificationPage(query: request.query)
        } catch {
            throw error.problem
        }
        let found = try await store.all(FindNotifications(user: user, page: page))
        return .json(NotificationList(page, found), headers: [.cacheControl: "private, no-store"])
    }
}

extension NotificationPage.Invalid {
    /// 400, naming the parameter.
    var problem: Problem {
        Problem(
            .badRequest,
            "invalid-parameter",
            detail: "\(parameter) \(detail)",
            errors: [Problem.Field(pointer: "?\(parameter)", detail: detail)]
        )
    }
}
