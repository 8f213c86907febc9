internal import Contracts
internal import HTTP
internal import Postgres
internal import Reactor
internal import Synchronization

/// The streams of notifications that this process serves: how many there may be, and how each lives.
final class NotificationStreams: Sendable {
    struct Limits {
        /// How many streams one customer may have here.
        var perUser = 4
        /// How many there may be in all.
        var total = EventStreamLimit.perProcess
        /// How often each looks for something new, less up to half of it at random.
        var look = Duration.seconds(1)
        /// After so long without anything to tell a comment is sent.
        var heartbeat = Duration.seconds(15)
        /// How long one lives; the client comes again, with a token that is still good, and goes on where
        /// it was.
        var life = Duration.seconds(540)
        /// The most notifications told at once.
        var page = 50
    }

    let database: Database
    let limits: Limits
    private let stopping: @Sendable () -> Bool
    private let open = Mutex<[UserID: Int]>([:])

    /// Serves streams from a database until the process is about to end.
    init(
        _ database: Database,
        limits: Limits = Limits(),
        isStopping: @escaping @Sendable () -> Bool
    ) {
        self.database = database
        self.limits = limits
        stopping = isStopping
    }

    var isStopping: Bool { stopping() }
    /// How many streams are open.
    var count: Int { open.withLock { $0.values.reduce(0, +) } }

    /// Takes a place for one more stream, which is free again once the value is gone.
    ///
    /// - Throws: 429 when the customer has as many as one may have, 503 when this process has.
    func enter(_ user: UserID) throws(Problem) -> Place {
        let (own, all) = open.withLock { open in
            let (own, all) = (open[user] ?? 0, open.values.reduce(0, +))
            if own < limits.perUser, all < limits.total { open[user] = own + 1 }
            return (own, all)
        }
        guard own < limits.perUser else {
            throw Problem(
                .tooManyRequests,
                "too-many-streams",
                detail: "you have \(own) streams of notifications open; close one first",
                headers: [.retryAfter: "5"]
            )
        }
        guard all < limits.total else {
            throw .unavailable("no room for another stream", retryAfter: .seconds(5))
        }
        return Place(user, in: self)
    }

    private func leave(_ user: UserID) {
        open.withLock { open in
            let left = (open[user] ?? 0) - 1
            open[user] = left > 0 ? left : nil
        }
    }

    /// A stream's place, for as long as somebody holds this.
    final class Place: Sendable {
        let user: UserID
        private let streams: NotificationStreams

        fileprivate init(_ user: UserID, in streams: NotificationStreams) {
            self.user = user
            self.streams = streams
        }

        deinit { streams.leave(user) }
    }
}
