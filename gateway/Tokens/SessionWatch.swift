internal import Contracts
internal import FoundationEssentials
internal import HTTP
internal import Identity
internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// Somebody who waits for the end of a session.
final class SessionListener: Sendable {
    fileprivate let claims: AccessClaims
    /// Comes when the session has ended.
    let hasEnded = OneShot<Bool>()

    fileprivate init(_ claims: AccessClaims) { self.claims = claims }
}

/// Follows which sessions end at the user service, so that their tokens end too.
///
/// It begins with a list of those that ended lately and goes on with the feed of events. Nothing is
/// believed before the list has been read once. When the user service is away later, what is known
/// stays: nobody can sign out meanwhile either.
final class SessionWatch: Sendable {
    /// What the user service says.
    enum Answer: Sendable {
        case content([UInt8])
        /// It will not go on from this place; begin again.
        case gone
        case nothing
    }

    /// Asks for a target such as `/events?after=…`; nil for no answer.
    typealias Ask = @Sendable (String) async -> Answer

    /// What is known about a token's session.
    enum Verdict: Sendable, Equatable {
        case goesOn, hasEnded
        /// The list was not read yet.
        case unknown
    }

    private struct Source {
        let number: Int
        let path: String
        let ask: Ask
        /// What has to go on while it is asked.
        let run: @Sendable () async -> Void
    }

    private struct State {
        var source: Source?
        var sources = 0
        var isInformed = false
        /// Where the feed goes on; nil when the list is to be read.
        var next: String?
        var ended: EndedSessions
        /// Who waits for the end of which session.
        var listeners: [UUID: [SessionListener]] = [:]
    }

    private let state: Mutex<State>
    private let informed = OneShot<Bool>()
    private let log: Logger
    private let now: @Sendable () -> Int64

    /// - Parameter limit: how many ended sessions are remembered by name.
    init(
        log: Logger,
        metrics: Metrics,
        limit: Int = EndedSessions.limit,
        now: @escaping @Sendable () -> Int64
    ) {
        state = Mutex(State(ended: EndedSessions(limit: limit)))
        self.log = log
        self.now = now
        metrics.collect(
            "gateway_ended_sessions",
            "Sessions that ended while tokens of theirs may not have."
        ) { [weak self] in
            self.map { [Sample([], Double($0.count))] } ?? []
        }
    }

    /// How many ended sessions are remembered.
    var count: Int { state.withLock { $0.ended.count } }

    /// From now on asks here; nil for nowhere, as long as nobody tells of ended sessions.
    ///
    /// - Parameter run: goes on in the background for as long as this is asked.
    func look(
        at path: String?,
        while run: @escaping @Sendable () async -> Void = {},
        _ ask: @escaping Ask
    ) {
        state.withLock { state in
            state.sources += 1
            let number = state.sources
            state.source = path.map { Source(number: number, path: $0, ask: ask, run: run) }
            state.next = nil
        }
    }

    /// As above, at an upstream that is there for this alone: what opens the breakers of others must not
    /// keep sign-outs from being heard, nor this one open theirs.
    ///
    /// An instance that hangs costs two seconds and the next one is asked: five must be enough.
    func look(at upstream: Upstream, _ path: String?) {
        look(at: path, while: { await upstream.run() }) { target in
            let options = CallOptions(
                isIdempotent: true,
                timeout: .milliseconds(4500),
                tryTimeout: .seconds(2),
                retries: 1
            )
            guard let response = try? await upstream.call(ClientRequest(.get, target), options)
            else { return .nothing }
            switch response.status {
            case .ok:
                let content = try? await response.body(limit: 16 << 20)
                return content.map { .content($0) } ?? .nothing
            case .gone, .badRequest: return .gone
            default: return .nothing
            }
        }
    }

    /// What is known about the session of a token.
    func verdict(_ claims: AccessClaims) -> Verdict {
        state.withLock { state in
            guard state.source != nil else { return .goesOn }
            guard state.isInformed else { return .unknown }
            return state.ended.refuse(claims) ? .hasEnded : .goesOn
        }
    }

    /// Runs `body` with what tells of the end of a token's session, as soon as that is heard of.
    func listening(
        to claims: AccessClaims,
        _ body: (SessionListener) async -> Void
    ) async {
        let listener = SessionListener(claims)
        state.withLock { $0.listeners[claims.session, default: []].append(listener) }
        defer {
            state.withLock { state in
                state.listeners[claims.session]?.removeAll { $0 === listener }
                if state.listeners[claims.session]?.isEmpty == true {
                    state.listeners[claims.session] = nil
                }
            }
        }
        // It may have ended between the look at the token and now.
        if verdict(claims) == .hasEnded { listener.hasEnded.resolve(true) }
        await body(listener)
    }

    /// How many wait for the end of a session.
    var listeners: Int { state.withLock { $0.listeners.values.reduce(0) { $0 + $1.count } } }

    /// Waits until the list has been read once, for a moment: at the start it is on its way.
    func firstList() async { _ = await informed.wait(until: .after(.seconds(2))) }

    /// Follows until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            guard let source = state.withLock({ $0.source }) else {
                do { try await EventLoop.sleep(for: .milliseconds(100)) } catch { return }
                continue
            }
            await withDiscardingTaskGroup { group in
                group.addTask { await source.run() }
                await follow(source)
                group.cancelAll()
            }
        }
    }

    /// Follows one source until it is replaced, or the task is cancelled.
    private func follow(_ source: Source) async {
        var failures = 0
        while !Task.isCancelled {
            let (number, next) = state.withLock { ($0.source?.number, $0.next) }
            guard number == source.number else { return }
            if await turn(source, next) {
                failures = 0
            } else {
                if failures == 0 { log.warning("ended sessions are not heard of") }
                failures += 1
            }
            // Also when all is well: one that does not hold questions back is not to be flooded.
            let wait = min(Duration.milliseconds(50 + 100 * failures), .seconds(1))
            do { try await EventLoop.sleep(for: wait) } catch { return }
        }
    }

    private func turn(_ source: Source, _ next: String?) async -> Bool {
        guard let next else { return await readList(source) }
        // Held for a second only: of one that hangs, more would be noticed too late.
        switch await source.ask("/events?after=\(next)&limit=500&wait=1") {
        case .nothing: return false
        case .gone:
            state.withLock { $0.next = nil }
            return true
        case .content(let bytes):
            guard let page = try? JSON.decode(Page.self, from: bytes) else { return false }
            take(page.sessions, next: page.next, from: source)
            // A transaction of somebody's holds the feed up: the list has what it cannot show yet.
            return page.isHeldUp ? await readList(source) : true
        }
    }

    private func readList(_ source: Source) async -> Bool {
        guard case .content(let bytes) = await source.ask(source.path),
            let list = try? JSON.decode(List.self, from: bytes)
        else { return false }
        take(list.sessions.map(\.uuid), next: list.next, from: source)
        return true
    }

    /// - Parameter source: of a source that was replaced meanwhile, the place means nothing.
    private func take(_ sessions: [UUID], next: String, from source: Source) {
        let now = now()
        let listeners = state.withLock { state in
            let refusedUntil = state.ended.refusedUntil
            for session in sessions { state.ended.add(session, at: now) }
            state.isInformed = true
            if state.source?.number == source.number { state.next = next }
            // Of more than can be remembered, all who came before are concerned.
            return state.ended.refusedUntil == refusedUntil
                ? sessions.flatMap { state.listeners[$0] ?? [] }
                : state.listeners.values.flatMap(\.self).filter { state.ended.refuse($0.claims) }
        }
        informed.resolve(true)
        for listener in listeners { listener.hasEnded.resolve(true) }
    }

    private struct List: Decodable {
        let sessions: [SessionID]
        let next: String
    }

    /// A page of the feed, as far as it is of interest here.
    private struct Page: Decodable {
        struct Event: Decodable {
            let type: String
            let data: JSONValue
        }
        struct Backlog: Decodable { let events: Int64 }

        let events: [Event]
        let next: String
        let behind: Backlog?

        /// An event that cannot be read is none of ours: the service would not write it.
        var sessions: [UUID] {
            events.compactMap { event in
                guard event.type == UserEvent.sessionEnded else { return nil }
                return event.data["session_id"]?.string.flatMap(SessionID.init)?.uuid
            }
        }

        var isHeldUp: Bool { events.isEmpty && (behind?.events ?? 0) > 0 }
    }
}
