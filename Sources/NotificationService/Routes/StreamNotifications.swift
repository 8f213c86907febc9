internal import HTTP
internal import Messaging
internal import Postgres
internal import ServiceKit

extension NotificationRoutes {
    /// `GET /notifications/stream`: what the caller is told from now on, or behind `Last-Event-ID`, as it
    /// is written; server-sent events.
    func stream(_ request: Request) async throws(Problem) -> Response {
        let user = try request.principal().user
        var cursor: FeedCursor?
        if let text = request.headers["last-event-id"] {
            cursor = FeedCursor(text)
            guard cursor != nil else {
                throw .badRequest("Last-Event-ID must be the id of an event of this stream")
            }
        }
        let place = try streams.enter(user)
        if cursor == nil { cursor = try await store.one(FindEndOfNotifications()) }
        guard let cursor else { throw .internalError }
        let stream = NotificationStream(streams, place, from: cursor)
        return .events(heartbeat: streams.limits.heartbeat) { deadline in
            try await stream.next(until: deadline)
        }
    }
}
