internal import HTTP
internal import Messaging
internal import Postgres
internal import Reactor
internal import Synchronization

/// One customer's stream: what they are told behind a cursor, as it is written.
final class NotificationStream: Sendable {
    private struct Progress {
        var cursor: FeedCursor
        var hasBegun = false
    }

    private let streams: NotificationStreams
    private let place: NotificationStreams.Place
    private let end: Deadline
    private let progress: Mutex<Progress>

    init(
        _ streams: NotificationStreams,
        _ place: NotificationStreams.Place,
        from cursor: FeedCursor
    ) {
        self.streams = streams
        self.place = place
        end = .after(streams.limits.life)
        progress = Mutex(Progress(cursor: cursor))
    }

    /// What has come by the deadline, none if nothing has; nil when the stream is over.
    func next(until deadline: Deadline) async throws -> [ServerSentEvent]? {
        if let beginning = beginning() { return [beginning] }
        while !streams.isStopping, !end.hasPassed {
            if let events = await look(), !events.isEmpty { return events }
            guard !deadline.hasPassed else { return [] }
            let pause = streams.limits.look * Double.random(in: 0.5...1)
            try await EventLoop.sleep(until: .after(pause).or(earlier: deadline))
        }
        return nil
    }

    /// Tells the client where it begins, so that it misses nothing when it has to come again before
    /// there was anything to tell.
    private func beginning() -> ServerSentEvent? {
        progress.withLock { progress in
            guard !progress.hasBegun else { return nil }
            progress.hasBegun = true
            let id = progress.cursor.description
            return ServerSentEvent("{}", id: id, event: "begin", retry: .seconds(3))
        }
    }

    /// What is new; nil while the database does not answer, which ends no stream.
    private func look() async -> [ServerSentEvent]? {
        let find = FindNewNotifications(
            user: place.user,
            after: progress.withLock { $0.cursor },
            limit: streams.limits.page
        )
        guard let found = try? await streams.database.all(find) else { return nil }
        if let last = found.last { progress.withLock { $0.cursor = last.cursor } }
        return found.compactMap { told in
            guard let json = try? JSON.encode(told.notification) else { return nil }
            return ServerSentEvent(
                String(decoding: json, as: UTF8.self),
                id: told.cursor.description,
                event: "notification"
            )
        }
    }
}
