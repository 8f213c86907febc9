import FoundationEssentials
import HTTP
import Identity
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import Gateway

/// The user service's keys, as a test turns them.
final class Publisher: Sendable {
    private struct State {
        var keys: [VerifyingKey] = []
        var isUp = true
        var fetches = 0
    }
    private let state = Mutex(State())

    func publish(_ keys: [SigningKey]) { state.withLock { $0.keys = keys.map(\.verifyingKey) } }
    func set(up: Bool) { state.withLock { $0.isUp = up } }
    var fetches: Int { state.withLock { $0.fetches } }

    @Sendable func fetch() async -> [UInt8]? {
        state.withLock { state in
            state.fetches += 1
            return state.isUp ? KeySet(state.keys).json() : nil
        }
    }
}

/// A wall clock that a test sets.
final class TestClock: Sendable {
    private let seconds = Mutex<Int64>(1_800_000_000)
    var now: Int64 { seconds.withLock { $0 } }
    func advance(_ by: Int64) { seconds.withLock { $0 += by } }
}

func claims(_ role: AccessRole = .customer, now: Int64 = 1_800_000_000) -> AccessClaims {
    AccessClaims(subject: UUID(), session: UUID(), role: role, now: now)
}

@Suite struct TokenGateTests {
    private let publisher = Publisher()
    private let clock = TestClock()
    private let metrics = Metrics()

    private func gate() -> TokenGate {
        let clock = clock
        return TokenGate(
            source: publisher.fetch,
            log: .silent,
            metrics: metrics,
            now: { clock.now }
        )
    }

    private func status(_ gate: TokenGate, _ token: String) async -> Int {
        do throws(Problem) {
            _ = try await gate.claims(of: token)
            return 200
        } catch { return error.status.code }
    }

    @Test func `a genuine token is believed, its signature checked once`() async throws {
        let key = try SigningKey.generate()
        publisher.publish([key])
        let claims = claims()
        let token = try TokenSigner(key).sign(claims)
        let believed = try await onLoop {
            let gate = gate()
            var believed: [AccessClaims] = []
            for _ in 0..<3 { believed.append(try await gate.claims(of: token)) }
            return believed
        }
        #expect(believed == [claims, claims, claims])
        #expect(publisher.fetches == 1)
        #expect(metrics.render().contains(#"gateway_tokens_total{result="verified"} 1"#))
        #expect(metrics.render().contains(#"gateway_tokens_total{result="cached"} 2"#))
    }

    @Test func `a cached token expires all the same`() async throws {
        let key = try SigningKey.generate()
        publisher.publish([key])
        let token = try TokenSigner(key).sign(claims())
        let statuses = try await onLoop {
            let gate = gate()
            var statuses = [await status(gate, token)]
            clock.advance(900 + 29)
            statuses.append(await status(gate, token))
            clock.advance(1)
            statuses.append(await status(gate, token))
            statuses.append(await status(gate, token))
            return statuses
        }
        #expect(statuses == [200, 200, 401, 401])
    }

    @Test func `made-up keys cause one look, not many`() async throws {
        publisher.publish([try SigningKey.generate()])
        let statuses = try await onLoop {
            let gate = gate()
            var statuses: [Int] = []
            for _ in 0..<20 {
                let token = try TokenSigner(try SigningKey.generate()).sign(claims())
                statuses.append(await status(gate, token))
            }
            return statuses
        }
        #expect(statuses.allSatisfy { $0 == 401 })
        #expect(publisher.fetches == 1)
    }

    @Test func `callers that meet an unknown key together share one look`() async throws {
        let key = try SigningKey.generate()
        publisher.publish([key])
        let statuses = try await onLoop {
            let gate = gate()
            return await withTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    guard let token = try? TokenSigner(key).sign(claims()) else { continue }
                    group.addTask { await status(gate, token) }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(statuses == Array(repeating: 200, count: 20))
        #expect(publisher.fetches == 1)
    }

    @Test func `while the user service is away known keys stay good`() async throws {
        let key = try SigningKey.generate()
        publisher.publish([key])
        let first = try TokenSigner(key).sign(claims())
        let second = try TokenSigner(key).sign(claims())
        let statuses = try await onLoop {
            let gate = gate()
            var statuses = [await status(gate, first)]
            publisher.set(up: false)
            let watch = Task(executorPreference: EventLoop.required) { await gate.run() }
            let isRefused = try await eventually { publisher.fetches > 1 }
            #expect(isRefused, "they are asked for again, in vain")
            statuses.append(await status(gate, second))
            watch.cancel()
            await watch.value
            return statuses
        }
        #expect(statuses == [200, 200])
    }

    @Test func `without any key the answer is to come again, not to sign in again`() async throws {
        publisher.set(up: false)
        let token = try TokenSigner(try SigningKey.generate()).sign(claims())
        let statuses = try await onLoop {
            let gate = gate()
            return [await status(gate, token), await status(gate, "garbage")]
        }
        #expect(statuses == [503, 503])
    }

    @Test func `a token of a key that was withdrawn is refused, cached or not`() async throws {
        let old = try SigningKey.generate()
        let new = try SigningKey.generate()
        publisher.publish([old])
        let token = try TokenSigner(old).sign(claims())
        let (before, after) = try await onLoop {
            let gate = gate()
            let before = await status(gate, token)
            publisher.publish([new])
            let watch = Task(executorPreference: EventLoop.required) { await gate.run() }
            _ = try await eventually { publisher.fetches == 2 }
            try await EventLoop.sleep(for: .milliseconds(50))
            watch.cancel()
            return (before, await status(gate, token))
        }
        #expect(before == 200)
        #expect(after == 401)
    }

    @Test func `a refusal says nothing about why`() async throws {
        let key = try SigningKey.generate()
        publisher.publish([key])
        let good = try TokenSigner(key).sign(claims())
        let bad = [
            "", "a.b.c", good + "x", String(good.dropLast(4)), good + "=",
            try TokenSigner(key).sign(claims(now: 1_700_000_000)),
            String(repeating: "x", count: 9000),
        ]
        let problems = try await onLoop {
            let gate = gate()
            _ = try await gate.claims(of: good)
            var problems: [Problem] = []
            for token in bad {
                do throws(Problem) { _ = try await gate.claims(of: token) } catch {
                    problems.append(error)
                }
            }
            return problems
        }
        #expect(problems.count == bad.count)
        #expect(problems.allSatisfy { $0.status == .unauthorized })
        #expect(Set(problems.map(\.detail)).count == 1)
        #expect(
            problems.allSatisfy {
                $0.headers[.wwwAuthenticate] == #"Bearer error="invalid_token""#
            }
        )
    }
}

@Suite struct TokenKeepingTests {
    @Test func `verified tokens are bounded, expired ones go first`() {
        let cache = VerifiedTokens(limit: 4, shards: 1)
        let old = claims(now: 0)
        func digest(_ number: Int) -> SHA256.Digest { SHA256.digest([UInt8(number)].span) }
        for number in 0..<3 { cache.insert(digest(number), old, now: 0) }
        let fresh = claims(now: 10_000)
        cache.insert(digest(100), fresh, now: 10_000)
        cache.insert(digest(101), fresh, now: 10_000)
        #expect(cache.count == 2)
        #expect(cache.find(digest(100)) == fresh)
        #expect(cache.find(digest(0)) == nil)
        for number in 0..<200 { cache.insert(digest(number), fresh, now: 10_000) }
        #expect(cache.count <= 4)
        #expect(cache.find(digest(199)) == fresh)
    }

    @Test func `keys are asked for every minute, after failures sooner`() {
        var refresh = KeyRefresh()
        for _ in 0..<20 {
            let wait = refresh.fetched(false)
            #expect(wait == .milliseconds(250), "nobody is let in without keys")
        }
        #expect(refresh.fetched(true) == .seconds(60))
        let waits = (0..<8).map { _ in refresh.fetched(false) }
        #expect(
            waits.prefix(5)
                == [
                    .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(4),
                ]
        )
        #expect(waits.suffix(3).allSatisfy { $0 == .seconds(5) })
        #expect(refresh.fetched(true) == .seconds(60))
        #expect(refresh.fetched(false) == .milliseconds(250))
    }

    @Test func `tokens may ask for keys every five seconds`() {
        var refresh = KeyRefresh()
        #expect(refresh.mayAsk(at: .seconds(100)) == true)
        #expect(refresh.mayAsk(at: .seconds(104)) == false)
        #expect(refresh.mayAsk(at: .seconds(105)) == true)
    }

    @Test func `fetching keys uses up no retries that customers may need`() async throws {
        try await onLoop {
            let metrics = Metrics()
            let users = Upstream(
                name: "user",
                endpoints: try Endpoints("127.0.0.1:1"),
                client: HTTPClient(),
                tls: nil,
                log: .silent,
                metrics: metrics
            )
            let gate = TokenGate(log: .silent, metrics: metrics)
            gate.look(at: users, "/keys")
            let refresh = Task(executorPreference: EventLoop.required) { await gate.run() }
            let hasFailed = try await eventually {
                users.snapshot.instances.contains { $0.failures >= 3 }
            }
            refresh.cancel()
            await refresh.value
            #expect(hasFailed)
            #expect(users.snapshot.retriesLeft == RetryBudget.Policy().minimum)
        }
    }
}
