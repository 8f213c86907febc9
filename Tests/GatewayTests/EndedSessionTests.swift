import FoundationEssentials
import HTTP
import Identity
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import Gateway

/// A user service's list and feed of ended sessions, as a test turns them.
final class Registry: Sendable {
    private struct State {
        var list: [UUID] = []
        var feed: [UUID] = []
        var isUp = true
        var isGone = false
        var isHeldUp = false
        var asked: [String] = []
    }
    private let state = Mutex(State())

    func end(_ session: UUID) { state.withLock { $0.feed.append(session) } }
    func list(_ session: UUID) { state.withLock { $0.list.append(session) } }
    func set(up: Bool) { state.withLock { $0.isUp = up } }
    func set(gone: Bool) { state.withLock { $0.isGone = gone } }
    func set(heldUp: Bool) { state.withLock { $0.isHeldUp = heldUp } }
    var asked: [String] { state.withLock { $0.asked } }

    @Sendable func ask(_ target: String) async -> SessionWatch.Answer {
        // What a real feed does, but sooner.
        try? await EventLoop.sleep(for: .milliseconds(5))
        return state.withLock { state in
            state.asked.append(target)
            guard state.isUp else { return .nothing }
            guard target.hasPrefix("/events") else {
                return .content(Self.list(state.list, next: "at-\(state.feed.count)"))
            }
            if state.isGone {
                state.isGone = false
                return .gone
            }
            let mark = target.split(separator: "&")[0].split(separator: "-").last ?? ""
            let new = state.isHeldUp ? [] : state.feed.dropFirst(Int(mark) ?? 0)
            let next = (Int(mark) ?? 0) + new.count
            return .content(Self.page(new, next: "at-\(next)", behind: state.isHeldUp ? 1 : 0))
        }
    }

    private static func list(_ sessions: [UUID], next: String) -> [UInt8] {
        let names = sessions.map { "\"\($0.uuidString.lowercased())\"" }.joined(separator: ",")
        return [UInt8](#"{"sessions":[\#(names)],"next":"\#(next)"}"#.utf8)
    }

    private static func page(
        _ sessions: ArraySlice<UUID>,
        next: String,
        behind: Int
    ) -> [UInt8] {
        let events = sessions.map { session in
            #"{"type":"user.registered","data":{}},{"type":"user.session_ended","#
                + #""data":{"session_id":"\#(session.uuidString.lowercased())","user_id":"x"}}"#
        }
        return [UInt8](
            (#"{"events":[\#(events.joined(separator: ","))],"next":"\#(next)","#
                + #""behind":{"events":\#(behind),"milliseconds":0}}"#).utf8
        )
    }
}

@Suite struct SessionWatchTests {
    private let registry = Registry()
    private let publisher = Publisher()

    /// A gate that follows the registry while `body` runs.
    private func following(
        _ body: @escaping @Sendable (TokenGate, SigningKey) async throws -> Void
    ) async throws {
        let key = try SigningKey.generate()
        publisher.publish([key])
        let (registry, publisher) = (registry, publisher)
        try await onLoop {
            let gate = TokenGate(
                source: publisher.fetch,
                log: .silent,
                metrics: Metrics(),
                now: { 1_800_000_000 }
            )
            gate.sessions.look(at: "/sessions/ended", registry.ask)
            let watch = Task(executorPreference: EventLoop.required) { await gate.sessions.run() }
            try await body(gate, key)
            watch.cancel()
            await watch.value
        }
    }

    private static func status(_ gate: TokenGate, _ token: String) async -> Int {
        do throws(Problem) {
            _ = try await gate.claims(of: token)
            return 200
        } catch { return error.status.code }
    }

    @Test func `a session that ends takes its tokens along, verified before or not`() async throws {
        try await following { gate, key in
            let (one, other) = (claims(), claims())
            let known = try TokenSigner(key).sign(one)
            var again = one
            again.id = UUID()
            let fresh = try TokenSigner(key).sign(again)
            let stranger = try TokenSigner(key).sign(other)
            let isReady = try await eventually { await Self.status(gate, known) == 200 }
            #expect(isReady)
            self.registry.end(one.session)
            let hasEnded = try await eventually { await Self.status(gate, known) == 401 }
            #expect(hasEnded)
            #expect(await Self.status(gate, fresh) == 401)
            #expect(await Self.status(gate, stranger) == 200)
        }
    }

    @Test func `the refusal is like any other`() async throws {
        try await following { gate, key in
            let ended = claims()
            self.registry.list(ended.session)
            let token = try TokenSigner(key).sign(ended)
            var problems: [Problem] = []
            for token in [token, "a.b.c"] {
                _ = try await eventually { await Self.status(gate, token) == 401 }
                do throws(Problem) { _ = try await gate.claims(of: token) } catch {
                    problems.append(error)
                }
            }
            #expect(problems.count == 2)
            #expect(Set(problems.map(\.detail)).count == 1)
            #expect(Set(problems.map { $0.headers[.wwwAuthenticate] }).count == 1)
        }
    }

    @Test func `nothing is believed before the list was read once`() async throws {
        registry.set(up: false)
        try await following { gate, key in
            let ended = claims()
            self.registry.list(ended.session)
            let token = try TokenSigner(key).sign(ended)
            let good = try TokenSigner(key).sign(claims())
            #expect(await Self.status(gate, token) == 503)
            #expect(await Self.status(gate, good) == 503)
            self.registry.set(up: true)
            let isReady = try await eventually { await Self.status(gate, good) == 200 }
            #expect(isReady)
            #expect(await Self.status(gate, token) == 401)
        }
    }

    @Test func `while the user service is away what is known stays`() async throws {
        try await following { gate, key in
            let ended = claims()
            self.registry.list(ended.session)
            let (void, good) = (
                try TokenSigner(key).sign(ended), try TokenSigner(key).sign(claims())
            )
            _ = try await eventually { await Self.status(gate, good) == 200 }
            self.registry.set(up: false)
            try await EventLoop.sleep(for: .milliseconds(200))
            #expect(await Self.status(gate, good) == 200)
            #expect(await Self.status(gate, void) == 401)
            let late = claims()
            let lateToken = try TokenSigner(key).sign(late)
            #expect(await Self.status(gate, lateToken) == 200)
            self.registry.end(late.session)
            self.registry.set(up: true)
            let isHeard = try await eventually { await Self.status(gate, lateToken) == 401 }
            #expect(isHeard, "it goes on where it was")
        }
    }

    @Test func `a place in the feed that is gone begins again with the list`() async throws {
        try await following { gate, key in
            let ended = claims()
            let token = try TokenSigner(key).sign(ended)
            _ = try await eventually { await Self.status(gate, token) == 200 }
            self.registry.list(ended.session)
            self.registry.set(gone: true)
            let isHeard = try await eventually { await Self.status(gate, token) == 401 }
            #expect(isHeard)
        }
    }

    @Test func `what a long transaction keeps out of the feed is heard from the list`()
        async throws
    {
        try await following { gate, key in
            let ended = claims()
            let token = try TokenSigner(key).sign(ended)
            _ = try await eventually { await Self.status(gate, token) == 200 }
            self.registry.set(heldUp: true)
            self.registry.list(ended.session)
            let isHeard = try await eventually { await Self.status(gate, token) == 401 }
            #expect(isHeard)
        }
    }

    @Test func `where nobody tells of sessions none has ended`() async throws {
        let key = try SigningKey.generate()
        publisher.publish([key])
        let publisher = publisher
        let status = try await onLoop {
            let gate = TokenGate(
                source: publisher.fetch,
                log: .silent,
                metrics: Metrics(),
                now: { 1_800_000_000 }
            )
            return await Self.status(gate, try TokenSigner(key).sign(claims()))
        }
        #expect(status == 200)
    }
}

@Suite struct EndedSessionsTests {
    @Test func `a session is remembered until its last token has expired`() {
        var ended = EndedSessions()
        let claims = claims(now: 1_000)
        ended.add(claims.session, at: 1_000)
        #expect(ended.refuse(claims))
        ended.add(UUID(), at: 1_900)
        #expect(ended.refuse(claims), "its token may still be within the leeway")
        ended.add(UUID(), at: 1_961)
        #expect(!ended.refuse(claims))
        #expect(ended.count == 2)
    }

    @Test func `hearing of it again does not remember it for longer`() {
        var ended = EndedSessions()
        let session = UUID()
        for now in stride(from: Int64(1_000), to: 3_000, by: 100) { ended.add(session, at: now) }
        ended.add(UUID(), at: 3_100)
        ended.add(UUID(), at: 4_200)
        #expect(ended.count <= 2)
    }

    @Test func `when more end than there is room for, every earlier token is refused`() {
        var ended = EndedSessions(limit: 100)
        var sessions: [AccessClaims] = []
        for _ in 0..<100 {
            sessions.append(claims(now: 1_000))
            ended.add(sessions[sessions.count - 1].session, at: 1_010)
        }
        let bystander = claims(now: 1_005)
        #expect(!ended.refuse(bystander))
        sessions.append(claims(now: 1_000))
        ended.add(sessions[100].session, at: 1_010)
        #expect(ended.count <= 100)
        #expect(sessions.allSatisfy { ended.refuse($0) }, "none of them comes back")
        #expect(ended.refuse(bystander), "who must sign in no more than refresh")
        #expect(!ended.refuse(claims(now: 1_011)), "what was issued since is good")
    }
}
