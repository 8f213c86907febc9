import FoundationEssentials
import HTTP
import Identity
import Reactor
import Synchronization
import Testing

@testable import Gateway

/// Section 5 of the requirements, row by row, at the gateway's door.
@Suite struct TokenAttackTests {
    @Test func `a token that is wrong in any way is a 401 that does not say which`() async throws {
        // Refused ones count against their address, which is not what is asked here.
        let bench = try GatewayBench(plan: { plan in
            plan.limits[LimitGroup.client]?.address = .perSecond(100_000)
        })
        let forged = ForgedTokens(bench.key)
        let good = try forged.good()
        let tokens = try forged.all()
        #expect(tokens.count > 110)
        let (accepted, answers) = try await onLoop {
            let accepted = await bench.ask(.get, "/orders", ["authorization": "Bearer \(good)"])
            var answers: [Response] = []
            for (_, token) in tokens {
                answers.append(
                    await bench.ask(.get, "/orders", ["authorization": "Bearer \(token)"])
                )
            }
            return (accepted, answers)
        }
        #expect(accepted.status == .ok, "or the refusals would mean nothing")
        for ((name, _), answer) in zip(tokens, answers) {
            #expect(answer.status == .unauthorized, "\(name)")
            #expect(
                answer.headers.all(.wwwAuthenticate) == [#"Bearer error="invalid_token""#],
                "\(name)"
            )
            #expect(Self.content(answer) == Self.content(answers[0]), "\(name)")
            #expect(answer.headers.map(\.name) == answers[0].headers.map(\.name), "\(name)")
        }
        #expect(bench.requests.count == 1)
        #expect(bench.publisher.fetches < 10, "unknown keys cause a look every five seconds")
        await bench.service.stop()
    }

    private static func content(_ response: Response) -> String {
        guard case .bytes(let bytes) = response.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `a token anywhere but in its field is no token`() async throws {
        let bench = try GatewayBench()
        let token = try ForgedTokens(bench.key).good()
        let answers = try await onLoop {
            [
                await bench.ask(.get, "/orders?access_token=\(token)"),
                await bench.ask(.get, "/orders", ["cookie": "access_token=\(token)"]),
                await bench.ask(.get, "/orders", ["x-authorization": "Bearer \(token)"]),
                await bench.ask(.get, "/orders", ["proxy-authorization": "Bearer \(token)"]),
            ]
        }
        #expect(answers.map(\.status.code) == [401, 401, 401, 401])
        #expect(answers.allSatisfy { $0.headers[.wwwAuthenticate] == "Bearer" })
        await bench.service.stop()
    }

    @Test func `while keys rotate under load no valid token is refused`() async throws {
        let bench = try GatewayBench()
        let keys = [bench.key, try SigningKey.generate(), try SigningKey.generate()]
        let statuses = try await onLoop {
            // Looks for keys as the gate does every minute, but sooner.
            let watch = Task(executorPreference: EventLoop.required) {
                while (try? await EventLoop.sleep(for: .milliseconds(20))) != nil {
                    let again = Task(executorPreference: EventLoop.required) {
                        await bench.tokens.run()
                    }
                    try? await EventLoop.sleep(for: .milliseconds(20))
                    again.cancel()
                    await again.value
                }
            }
            let statuses = try await withThrowingTaskGroup(of: Set<Int>.self) { group in
                let turn = Turn()
                for _ in 0..<4 {
                    group.addTask {
                        var statuses: Set<Int> = []
                        while turn.number < keys.count {
                            // The user service signs with the newest key that it has published.
                            let token = try TokenSigner(keys[turn.number]).sign(claims())
                            let old = try TokenSigner(keys[max(0, turn.number - 1)]).sign(claims())
                            for token in [token, old] {
                                let answer = await bench.ask(
                                    .get,
                                    "/orders",
                                    ["authorization": "Bearer \(token)"]
                                )
                                if turn.number < keys.count { statuses.insert(answer.status.code) }
                            }
                            await Task.yield()
                        }
                        return statuses
                    }
                }
                for number in 1...keys.count {
                    try await EventLoop.sleep(for: .milliseconds(100))
                    if number < keys.count {
                        // A key is published before it signs, for longer than gateways wait
                        // to look again.
                        bench.publisher.publish(Array(keys[0...number]))
                        let fetches = bench.publisher.fetches
                        _ = try await eventually { bench.publisher.fetches > fetches }
                    }
                    turn.advance()
                }
                return try await group.reduce(into: Set<Int>()) { $0.formUnion($1) }
            }
            watch.cancel()
            return statuses
        }
        #expect(statuses == [200])
        #expect(bench.requests.count > 10)
        await bench.service.stop()
    }

    private final class Turn: Sendable {
        private let value = Atomic<Int>(0)
        var number: Int { value.load(ordering: .relaxed) }
        func advance() { value.add(1, ordering: .relaxed) }
    }
}

/// However a path is spelled, it is the same one to the token check, to routes and to services.
@Suite struct PathBypassTests {
    /// Each is another way to ask for `/ops/sagas`, which is for administrators alone.
    private static let closed = [
        "/ops/sagas", "/ops/sagas/", "//ops/sagas", "/ops//sagas", "/./ops/sagas", "/ops/./sagas",
        "/ops/sagas/.", "/products/../ops/sagas", "/products/%2e%2e/ops/sagas",
        "/products/%2E%2E/ops/sagas", "/products/.%2e/ops/sagas", "/%6fps/sagas",
        "/ops/%73agas", "/ops/sagas?x=/products", "/products/x/../../ops/sagas",
        "/ops/x/../sagas", "http://a/ops/sagas", "HTTP://a//ops/sagas",
        "/%6F%70%73/%73%61%67%61%73",
    ]

    /// Each is refused, or leads nowhere: it is not `/ops/sagas`, and no reader takes it for that.
    private static let nowhere = [
        "/OPS/sagas", "/Ops/Sagas", "/ops/sagas;x", "/ops;x/sagas", "/ops/sagas%20",
        "/ops/sagas%00",
        "/ops%2fsagas", "/ops%2Fsagas", "/ops%5csagas", "/ops\\sagas", "/..;/ops/sagas",
        "/products/..;/ops/sagas", "/products/%2e%2e;/ops/sagas", "/.;/ops/sagas",
        "/%252e%252e/ops/sagas", "/products/%252e%252e/ops/sagas", "/ops/%2573agas",
        "/../ops/sagas",
        "/%2e%2e/ops/sagas", "/ops/sagas%0a", "/ops/sagas%0d%0aX:1", "/ops/sagas#x", "/ops/sagas%",
        "/ops/sagas%zz", "/%c0%ae%c0%ae/ops/sagas", "/ops/s%c3%a1gas", "/ops/sagas.json",
        "/ops/sagas%3Fx", "/ops/sagas%23", "/products%2f..%2fops/sagas", "/ops\u{2F}sagas%2f",
    ]

    @Test func `no spelling opens what is closed`() async throws {
        let bench = try GatewayBench()
        let token = try bench.token()
        let (anonymous, customer, elsewhere) = try await ask(bench, token)
        for (path, head) in zip(Self.closed, anonymous) {
            #expect(head.hasPrefix("HTTP/1.1 401 "), "\(path): \(head.prefix(20))")
        }
        for (path, head) in zip(Self.closed, customer) {
            #expect(head.hasPrefix("HTTP/1.1 403 "), "\(path): \(head.prefix(20))")
        }
        for (path, head) in zip(Self.nowhere, elsewhere) {
            let status = head.dropFirst(9).prefix(3)
            #expect(["400", "404"].contains(status), "\(path): \(head.prefix(20))")
        }
        #expect(bench.requests.isEmpty, "\(bench.requests.map(\.target))")
        await bench.service.stop()
    }

    @Test func `an administrator gets there by each, and the service sees one`() async throws {
        let bench = try GatewayBench()
        let token = try bench.token(claims(.admin))
        let (_, heads, _) = try await ask(bench, token)
        #expect(heads.allSatisfy { $0.hasPrefix("HTTP/1.1 200 ") })
        #expect(Set(bench.requests.map(\.path.description)) == ["/ops/sagas"])
        #expect(bench.requests.count == Self.closed.count)
        await bench.service.stop()
    }

    private func ask(
        _ bench: GatewayBench,
        _ token: String
    ) async throws -> (anonymous: [String], signedIn: [String], nowhere: [String]) {
        let handler = bench.handler
        let front = try TestServer { request throws(Problem) in try await handler(request) }
        let heads = try await onLoop {
            func head(_ target: String, _ fields: String) async throws -> String {
                let stream = try await Reactor.Stream.connect(
                    to: front.address,
                    until: .after(.seconds(5))
                )
                defer { stream.close() }
                let text = "GET \(target) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(fields)\r\n"
                try await stream.write([UInt8](text.utf8), until: .after(.seconds(5)))
                var buffer = ByteBuffer()
                while (try? await stream.read(into: &buffer, until: .after(.seconds(5)))) ?? 0 > 0 {
                }
                return String(decoding: buffer.take(buffer.count), as: UTF8.self)
            }
            let authorization = "Authorization: \(token)\r\n"
            var (anonymous, signedIn, nowhere): ([String], [String], [String]) = ([], [], [])
            for path in Self.closed { anonymous.append(try await head(path, "")) }
            for path in Self.closed { signedIn.append(try await head(path, authorization)) }
            for path in Self.nowhere { nowhere.append(try await head(path, authorization)) }
            return (anonymous, signedIn, nowhere)
        }
        await front.stop()
        return heads
    }
}
