internal import HTTP
public import Mesh
public import Postgres
internal import Reactor
public import Telemetry

/// Follows another service's feed and applies each event exactly once.
///
/// The cursor is this service's own and moves in the transaction that applies the events, so a crash
/// at any instant either repeats a page that had no effect or goes on behind one that had. Of several
/// replicas one follows at a time; a lease decides which, the cursor's value makes it safe.
///
/// An event that cannot be applied is set aside with all later ones of its subject, and the others
/// flow; see `ConsumerOperations` for what an operator does about it. When there is no room to set
/// more aside, or the feed has dropped what follows, the consumer stops rather than lose an event.
public struct EventConsumer: Sendable {
    /// Applies one event inside the transaction that moves the cursor.
    ///
    /// It throws `.decoding` for an event that it cannot make sense of. It may see an event again after
    /// an operator has rewound the consumer, so its effects must be keyed by the event's id, or by the
    /// subject's sequence.
    public typealias Apply =
        @Sendable (CloudEvent, Transaction<DatabaseError>) async throws(DatabaseError) -> Void

    /// How one turn went.
    private enum Turn {
        case applied(Backlog?)
        case idle(Backlog?)
        /// Another replica follows.
        case notOurs
        /// The feed did not answer as agreed.
        case missed
        case failed(DatabaseError, Batch)
        /// It takes an operator to go on.
        case stopped(String)
    }

    /// A page and where it was read from.
    struct Batch: Sendable {
        let page: EventPage
        let from: FeedPosition
    }

    /// The most events a feed may have parked by default.
    public static let defaultMaxParked = 10_000

    /// Whose events these are.
    let feed: String
    let database: Database
    let log: Logger
    private let change: Apply
    private let tracer: Tracer?
    private let upstream: Upstream
    private let outbox: Outbox
    private let owner: String
    private let maxParked: Int
    private let measures: ConsumerMeasures
    private let lease = Duration.seconds(15)
    private let waitSeconds = 5

    /// Describes a consumer; `run` starts it.
    ///
    /// - Parameters:
    ///   - feed: whose events, such as `order`.
    ///   - owner: this replica's own name, such as `notification.2`.
    ///   - outbox: its clock takes in the readings that events carry.
    ///   - maxParked: how many events may be set aside before the consumer stops.
    ///   - tracer: keeps a span of each event, in the trace that the event happened in.
    public init(
        of feed: String,
        from upstream: Upstream,
        into database: Database,
        outbox: Outbox,
        owner: String,
        log: Logger,
        metrics: Metrics,
        maxParked: Int = EventConsumer.defaultMaxParked,
        tracer: Tracer? = nil,
        apply: @escaping Apply
    ) {
        self.feed = feed
        self.upstream = upstream
        self.database = database
        self.outbox = outbox
        self.owner = owner
        self.log = log.with(["feed": .string(feed)])
        self.maxParked = maxParked
        change = apply
        self.tracer = tracer
        measures = ConsumerMeasures(metrics, feed: feed)
    }

    /// Follows the feed until the task is cancelled.
    public func run() async {
        var pace = ConsumerPace()
        while !Task.isCancelled { await step(&pace) }
        await release()
    }

    /// One turn, and what follows from it.
    private func step(_ pace: inout ConsumerPace) async {
        switch await turn(limit: pace.limit) {
        case .applied(let backlog), .idle(let backlog):
            pace.succeeded()
            measures.note(backlog)
        case .notOurs:
            measures.noteNotOurs()
            await pause(.milliseconds(500))
        case .missed: await pause(pace.missed())
        case .failed(let error, let batch):
            switch pace.failed(error, events: batch.page.events.count) {
            case .wait(let wait):
                log.warning("events could not be applied", ["error": .string("\(error)")])
                await pause(wait)
            case .park(let attempts): await park(batch, "\(error)", attempts, &pace)
            }
        case .stopped(let reason): await stop(reason)
        }
    }

    private func pause(_ longest: Duration) async {
        guard longest > .zero else { return }
        try? await EventLoop.sleep(for: longest * Double.random(in: 0.5...1))
    }

    /// Says so, again every while, and looks whether an operator has done something about it.
    private func stop(_ reason: String) async {
        if measures.noteStopped(reason) {
            log.error("events are not followed any more", ["reason": .string(reason)])
            _ = try? await database.run(NoteStopped(feed: feed, reason: reason))
        }
        await pause(.seconds(2))
    }

    // MARK: One turn

    /// Reads one page and applies it.
    private func turn(limit: Int) async -> Turn {
        let cursor: FeedPosition
        do throws(DatabaseError) {
            let claim = ClaimCursor(
                feed: feed,
                start: .oldest,
                owner: owner,
                leaseMilliseconds: Int64(lease.wholeMilliseconds)
            )
            guard let held = try await database.one(claim) else { return .notOurs }
            cursor = held
        } catch {
            log.debug("the cursor cannot be read", ["error": .string("\(error)")])
            return .missed
        }
        switch await fetch(after: cursor, limit: limit) {
        case .page(let page): return await take(Batch(page: page, from: cursor))
        case .gone(let detail): return .stopped("events were lost: \(detail)")
        case .none: return .missed
        }
    }

    private enum Fetched {
        case page(EventPage)
        case gone(String)
        case none
    }

    private func fetch(after cursor: FeedPosition, limit: Int) async -> Fetched {
        let request = ClientRequest(
            .get,
            "/events?after=\(cursor)&limit=\(limit)&wait=\(waitSeconds)"
        )
        let time = Duration.seconds(waitSeconds + 3)
        let options = CallOptions(isIdempotent: true, timeout: time, tryTimeout: time)
        do throws(MeshError) {
            let response = try await upstream.call(request, options)
            do throws(ClientError) {
                switch response.status {
                case .ok: return .page(try await response.json(EventPage.self))
                case .gone:
                    let problem = try await response.json(JSONValue.self)
                    return .gone(problem["detail"]?.string ?? "the feed no longer has them")
                default:
                    log.warning("the feed refused", ["status": .int(response.status.code)])
                }
            } catch {
                log.warning("the feed's answer is broken", ["error": .string("\(error)")])
            }
        } catch {
            log.debug("the feed did not answer", ["error": .string("\(error)")])
        }
        return .none
    }

    private func take(_ batch: Batch) async -> Turn {
        let page = batch.page
        if page.events.isEmpty, page.next == batch.from.description { return .idle(page.behind) }
        let outcome: Outcome
        do throws(DatabaseError) {
            outcome = try await write(batch)
        } catch {
            return .failed(error, batch)
        }
        return conclude(outcome, batch)
    }

    private func conclude(_ outcome: Outcome, _ batch: Batch) -> Turn {
        switch outcome {
        case .written(let applied, let parked, let all):
            measures.applied.increment(by: applied)
            measures.parkedTotal.increment(by: parked)
            measures.note(parked: all)
            for event in batch.page.events { outbox.receive(event.hlc) }
            return batch.page.events.isEmpty
                ? .idle(batch.page.behind) : .applied(batch.page.behind)
        case .moved: return .idle(nil)
        case .full:
            return .stopped("\(maxParked) events are parked already; replay them")
        }
    }

    /// Gives up the batch's only event.
    private func park(
        _ batch: Batch,
        _ reason: String,
        _ attempts: Int,
        _ pace: inout ConsumerPace
    ) async {
        guard let event = batch.page.events.first else { return }
        let outcome: Outcome
        do throws(DatabaseError) {
            outcome = try await write(batch, parking: (reason, attempts))
        } catch {
            log.warning("an event could not be parked", ["error": .string("\(error)")])
            return await pause(pace.missed())
        }
        switch conclude(outcome, batch) {
        case .stopped(let reason): await stop(reason)
        default:
            pace.succeeded()
            measures.note(batch.page.behind)
            log.error(
                "an event is parked, and its subject with it",
                [
                    "subject": .string(event.subject), "event": .string("\(event.id)"),
                    "type": .string(event.type), "reason": .string(reason),
                ]
            )
        }
    }

    // MARK: The transaction

    /// Applies an event, as a part of the trace that it happened in.
    func apply(
        _ event: CloudEvent,
        _ transaction: Transaction<DatabaseError>
    ) async throws(DatabaseError) {
        guard let tracer, let text = event.traceparent,
            let cause = TraceContext(traceparent: text)
        else { return try await change(event, transaction) }
        let span = tracer.begin(after: cause)
        // Task-local values do not pass typed errors on.
        let result: Result<Void, DatabaseError> =
            await TraceContext.$current.withValue(span.context) {
                do throws(DatabaseError) {
                    return .success(try await change(event, transaction))
                } catch { return .failure(error) }
            }
        let failure: String? = if case .failure(let error) = result { error.summary } else { nil }
        span.end(
            .words("apply", event.type),
            .consumer,
            .event(type: event.type, subject: event.subject, feed: feed),
            failure: failure
        )
        try result.get()
    }

    private enum Outcome {
        /// Done: so many were applied, so many parked; as many are parked in all.
        case written(applied: Int, parked: Int, all: Int)
        /// Another replica has applied this page since the cursor was read, or it was rewound.
        case moved
        /// Nothing was done: there is no room to park what has to be.
        case full
    }

    /// Applies a page and moves the cursor, or neither.
    ///
    /// The cursor is held first: it keeps a replay, which holds it too, from emptying a subject
    /// while this page still finds it parked.
    ///
    /// - Parameter parking: parks the batch's only event for this reason, after so many tries.
    private func write(
        _ batch: Batch,
        parking: (reason: String, attempts: Int)? = nil
    ) async throws(DatabaseError) -> Outcome {
        let lock = LockCursor(feed: feed, from: batch.from, owner: owner)
        let events = batch.page.events
        let subjects = Array(Set(events.map(\.subject)))
        return try await database.transaction {
            (tx: Transaction<DatabaseError>) async throws(DatabaseError) -> Outcome in
            let (held, counts, found) = try await tx.pipeline(
                lock,
                CountParked(feed: feed),
                FindParkedSubjects(feed: feed, subjects: subjects)
            )
            guard !held.isEmpty else { return .moved }
            let waiting = Set(found)
            let before = counts.first ?? 0
            let parked = events.count { parking != nil || waiting.contains($0.subject) }
            guard parked == 0 || before + parked <= maxParked else { return .full }
            for event in events {
                if parking != nil || waiting.contains(event.subject) {
                    let park = ParkEvent(
                        feed: feed,
                        event: event,
                        reason: parking?.reason,
                        attempts: parking?.attempts ?? 0
                    )
                    try await tx.run(park)
                } else {
                    try await apply(event, tx)
                }
            }
            try await tx.run(MoveCursor(feed: feed, to: batch.page.next))
            return .written(
                applied: events.count - parked,
                parked: parked,
                all: before + parked
            )
        }
    }

    /// Runs in a task of its own because the one that calls is cancelled already, and waits for it.
    private func release() async {
        let statement = ReleaseCursor(feed: feed, owner: owner)
        await Task(executorPreference: EventLoop.required) { [database] in
            _ = try? await database.run(statement)
        }.value
    }
}
