import FoundationEssentials
import HTTP
import Identity
import Reactor
import Telemetry
import Testing

@testable import Gateway

/// Event streams end with the session that opened them.
@Suite struct OpenStreamTests {
    /// How a stream came out for its client.
    private enum End: Equatable {
        case whole, cut, still
    }

    /// A gateway that hears of ended sessions, before a service with endless streams.
    private final class World: Sendable {
        let bench: GatewayBench
        let front: TestServer
        let registry = Registry()
        private let watch: Task<Void, Never>

        /// - Parameter pause: between two events of the service; nil for none at all.
        init(pause: Duration?) throws {
            bench = try GatewayBench { _ throws(Problem) in
                .events { _ in
                    try await EventLoop.sleep(for: pause ?? .seconds(60))
                    return [ServerSentEvent("x")]
                }
            }
            let handler = bench.handler
            front = try TestServer { request throws(Problem) in try await handler(request) }
            let (registry, sessions) = (registry, bench.tokens.sessions)
            sessions.look(at: "/sessions/ended", registry.ask)
            let loop = try EventLoop(name: "sessions")
            watch = Task(executorPreference: loop) {
                await sessions.run()
                loop.stop()
            }
        }

        func open(_ claims: AccessClaims) async throws -> ClientResponse {
            let headers: Headers = ["authorization": try bench.token(claims)]
            let response = try await HTTPClient().send(
                ClientRequest(.get, "/notifications/stream", headers: headers),
                to: Endpoint(front.address),
                until: .after(.seconds(30))
            )
            #expect(response.status == .ok)
            return response
        }

        func stop() async {
            watch.cancel()
            await front.stop()
            await bench.service.stop()
        }
    }

    /// Reads until the end, or for so long.
    private static func read(_ response: ClientResponse, for limit: Duration) async -> End {
        let end = OneShot<End>()
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do throws(Problem) {
                    while try await response.bodyStream.next() != nil {}
                    end.resolve(.whole)
                } catch {
                    end.resolve(.cut)
                }
            }
            let found = await end.wait(until: .after(limit)) ?? .still
            group.cancelAll()
            return found
        }
    }

    @Test(arguments: [nil, Duration.milliseconds(20)])
    func `a stream ends within five seconds when its session does, another goes on`(
        _ pause: Duration?
    ) async throws {
        let world = try World(pause: pause)
        try await onLoop {
            let (mine, other) = (claims(), claims())
            let stream = try await world.open(mine)
            let bystander = try await world.open(other)
            let isOpen = try await eventually { world.bench.tokens.sessions.listeners == 2 }
            #expect(isOpen)
            world.registry.end(mine.session)
            async let ended = Self.read(stream, for: .seconds(5))
            #expect(await Self.read(bystander, for: .seconds(1)) == .still)
            #expect(await ended == .whole)
            world.registry.end(other.session)
            let isForgotten = try await eventually { world.bench.tokens.sessions.listeners == 0 }
            #expect(isForgotten, "nobody waits for the end of a stream that is gone")
        }
        await world.stop()
    }

    @Test func `a stream ends when its token does`() async throws {
        let world = try World(pause: .milliseconds(20))
        try await onLoop {
            // Valid for one second more, leeway included.
            let old = claims(now: 1_800_000_000 - 900 - 29)
            let stream = try await world.open(old)
            #expect(await Self.read(stream, for: .seconds(5)) == .whole)
        }
        await world.stop()
    }

    @Test func `a session that ends while its stream is opened ends it`() async throws {
        let world = try World(pause: nil)
        try await onLoop {
            let (mine, other) = (claims(), claims())
            // Heard of once a stream of somebody's is open.
            _ = try await world.open(other)
            let tokens = world.bench.tokens
            world.registry.end(mine.session)
            let isHeard = try await eventually { tokens.sessions.verdict(mine) == .hasEnded }
            #expect(isHeard)
            let end = OneShot<Bool>()
            Task(executorPreference: EventLoop.required) {
                await tokens.end(of: mine)
                end.resolve(true)
            }
            #expect(await end.wait(until: .after(.seconds(2))) == true)
        }
        await world.stop()
    }

    @Test func `more ends than can be remembered end every stream from before`() async throws {
        let registry = Registry()
        try await onLoop {
            let sessions = SessionWatch(
                log: .silent,
                metrics: Metrics(),
                limit: 100,
                now: { 1_800_000_010 }
            )
            sessions.look(at: "/sessions/ended", registry.ask)
            let watch = Task(executorPreference: EventLoop.required) { await sessions.run() }
            let (early, late) = (claims(), claims(now: 1_800_000_020))
            let isInformed = try await eventually { sessions.verdict(early) == .goesOn }
            #expect(isInformed)
            for _ in 0...100 { registry.end(UUID()) }
            await sessions.listening(to: late) { newcomer in
                await sessions.listening(to: early) { listener in
                    #expect(await listener.hasEnded.wait(until: .after(.seconds(5))) == true)
                }
                #expect(newcomer.hasEnded.value == nil, "its token was issued since")
            }
            watch.cancel()
            await watch.value
        }
    }
}
