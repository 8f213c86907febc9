internal import HTTP
internal import Postgres

/// What the notification service answers.
struct NotificationRoutes: Sendable {
    let store: Store<Problem>
    let streams: NotificationStreams

    func register(_ router: inout Router) {
        router.on(.get, "/notifications", from: "gateway", list)
        router.on(.get, "/notifications/stream", from: "gateway", stream)
    }
}
