import HTTP
import Mesh
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import Gateway

/// A gateway alone in front of an origin that answers from scripts, both on real sockets.
final class CacheBench: Sendable {
    let table: RouteTable
    let front: TestServer
    let origin: TestServer
    private let scripts: Scripts
    private let client = HTTPClient()

    private final class Scripts: Sendable {
        let answers = Mutex<[String: [ScriptedAnswer]]>([:])
        let requests = Mutex<[String: [Request]]>([:])
    }

    /// - Parameter cache: what each route says; nil for nothing.
    init(
        cache: String? = #"{"mode": "standard"}"#,
        room: String = "{}",
        more routes: String = "",
        upstreams: String = ""
    ) throws {
        let scripts = Scripts()
        self.scripts = scripts
        origin = try TestServer { request throws(Problem) in
            let path = request.path.description
            let number = scripts.requests.withLock { requests in
                requests[path, default: []].append(request)
                return requests[path, default: []].count
            }
            let answers = scripts.answers.withLock { $0[path] ?? [] }
            guard let answer = answers.prefix(number).last else { return .text("#\(number)") }
            return await answer.response(number)
        }
        let member = cache.map { ", \"cache\": \($0)" } ?? ""
        let file = """
            {
              "upstreams": {\(upstreams) "origin": {"endpoints": "\(origin.address)", "tls": "none"}},
              "limits": {"client": {"user": {"requests": 100000}, "address": {"requests": 100000}}},
              "cache": \(room),
              "routes": [\(routes)
                {"prefix": "/", "methods": ["GET"], "upstream": "origin", "retries": 0\(member)},
                {"prefix": "/", "methods": ["POST", "PUT", "DELETE", "PATCH"], "upstream": "origin", "retries": 0}
              ]
            }
            """
        let plan = try RoutingPlan([UInt8](file.utf8)) { _ in nil }
        let metrics = Metrics()
        // Origins fail on purpose here.
        var policy = MeshPolicy()
        policy.breaker.minimumCalls = .max
        table = RouteTable(tokens: TokenGate(log: .silent, metrics: metrics), metrics: metrics) {
            [policy]
            name,
            origin in
            Upstream(
                name: name,
                endpoints: origin.endpoints,
                client: HTTPClient(),
                tls: nil,
                policy: policy,
                log: .silent,
                metrics: metrics
            )
        }
        table.take(plan)
        var limits = HTTPLimits()
        limits.drainTime = .milliseconds(50)
        limits.lingerTime = .milliseconds(10)
        front = try TestServer(loops: 2, limits: limits, responder: table.wrap(Router().responder))
    }

    func script(_ path: String, _ answers: [String]) {
        scripts.answers.withLock { $0[path] = answers.map { ScriptedAnswer($0) } }
    }

    /// What reached the origin.
    func requests(_ path: String) -> [Request] { scripts.requests.withLock { $0[path] ?? [] } }

    var cache: EdgeCache {
        get throws { try #require(table.cached?.cache) }
    }

    /// Asks the gateway over a socket.
    func ask(
        _ method: HTTP.Method = .get,
        _ target: String,
        _ headers: Headers = [:]
    ) async throws -> CacheAnswer {
        let response = try await client.send(
            ClientRequest(method, target, headers: headers),
            to: Endpoint(front.address),
            until: .after(.seconds(10))
        )
        // The answer to HEAD has no content, whatever it tells.
        let body = method == .head ? [] : try await response.body()
        return CacheAnswer(
            status: response.status.code,
            headers: response.headers,
            body: String(decoding: body, as: UTF8.self)
        )
    }

    func stop() async {
        await front.stop()
        await origin.stop()
    }
}

struct CacheAnswer: Sendable {
    let status: Int
    let headers: Headers
    let body: String

    var cacheStatus: String { headers["cache-status"] ?? "" }
}

/// One answer of a script: `200 | cache-control: max-age=60 | etag: "a"`.
///
/// `{now}`, `{now+60}` and `{now-60}` are dates. The content is `#N`, N counting the requests, unless
/// `body: …` says otherwise; `abort` in place of a status ends the connection.
struct ScriptedAnswer: Sendable {
    private let parts: [String]

    init(_ text: String) { parts = CacheLine.parts(text) }

    func response(_ number: Int) async -> Response {
        let status = parts.first ?? "200"
        if status == "abort" { return .dropped(.reset) }
        var headers: Headers = [:]
        var body = "#\(number)"
        for part in parts.dropFirst() {
            let (name, value) = CacheLine.field(part)
            if name == "body" {
                body = value
            } else if name == "after" {
                try? await EventLoop.sleep(for: .milliseconds(Int64(value) ?? 0))
            } else if let name = HeaderName(name) {
                headers.add(name, value)
            }
        }
        let code = Status(Int(status) ?? 200)
        var response = Response(code, headers: headers)
        if let date = headers[.date].flatMap({ HTTPTime($0) }) { response.date = DateLine(date) }
        if !code.forbidsContent { response.body = .bytes([UInt8](body.utf8)) }
        return response
    }
}

enum CacheLine {
    static func parts(_ text: String) -> [String] {
        var text = text
        while let start = text.firstIndex(of: "{"), let end = text[start...].firstIndex(of: "}") {
            let shift = text[start...end].dropFirst(4).dropLast()
            let time = HTTPTime(seconds: HTTPTime.now.seconds + (Int64(shift) ?? 0))
            text.replaceSubrange(start...end, with: "\(time)")
        }
        return text.split(separator: " | ").map { String($0) }
    }

    static func field(_ part: String) -> (String, String) {
        guard let colon = part.firstIndex(of: ":") else { return (part, "") }
        let value = part[colon...].dropFirst().drop { $0 == " " }
        return (part[..<colon].lowercased(), String(value))
    }
}

/// One line of a table: what the origin answers, one after the other, and what a client asks and gets.
///
/// An exchange reads `GET | if-none-match: "a" > 304 hit`: method (with an optional path below the
/// case's own), fields, and behind the sign the status, then words. `#2` is the content of the origin's second
/// answer; `hit`, `fwd=stale`, `ttl=5` and the like must be in `Cache-Status` and `!stored` must not;
/// `etag="b"` and the like are fields of the answer (`_` for a space), `+etag` is one that must be there
/// and `!etag` one that must not.
struct CacheCase: Sendable {
    let name: String
    let origin: [String]
    let exchanges: [String]
    /// Fields that the origin's last request must have had, or with `!` must not.
    let seen: [String]
    /// How often the origin was asked; nil for whatever.
    let calls: Int?

    init(
        _ name: String,
        _ origin: [String],
        _ exchanges: [String],
        seen: [String] = [],
        calls: Int? = nil
    ) {
        self.name = name
        self.origin = origin
        self.exchanges = exchanges
        self.seen = seen
        self.calls = calls
    }

    /// The cases of a text, one a line: `name :: answer // answer :: exchange // exchange`, and behind that,
    /// if need be, `:: field // field // calls=N`.
    static func table(_ text: String) -> [CacheCase] {
        text.split(separator: "\n").map { line in
            let columns = line.split(separator: " :: ").map { column in
                column.split(separator: " // ").map { String($0) }
            }
            precondition(columns.count >= 3, "'\(line)' is no case")
            let more = columns.dropFirst(3).first ?? []
            let calls = more.first { $0.hasPrefix("calls=") }.flatMap { Int($0.dropFirst(6)) }
            return CacheCase(
                columns[0].joined(),
                columns[1],
                columns[2],
                seen: more.filter { !$0.hasPrefix("calls=") },
                calls: calls
            )
        }
    }

    private static let marks = ["hit", "stored", "collapsed"]

    /// Plays the case and says what was not as written.
    func play(on bench: CacheBench, at path: String) async throws -> [String] {
        bench.script(path, origin)
        var faults: [String] = []
        for (index, exchange) in exchanges.enumerated() {
            let halves = exchange.split(separator: " > ", maxSplits: 1)
            let parts = CacheLine.parts(String(halves[0]))
            var headers: Headers = [:]
            for part in parts.dropFirst() {
                let (name, value) = CacheLine.field(part)
                headers.add(try #require(HeaderName(name)), value)
            }
            let words = parts[0].split(separator: " ")
            let target = path + (words.count > 1 ? String(words[1]) : "")
            let answer = try await bench.ask(HTTP.Method(String(words[0])), target, headers)
            for word in halves[1].split(separator: " ") where !Self.holds(String(word), answer) {
                faults.append(
                    "\(name), exchange \(index + 1): not \(word): \(answer.status) "
                        + "\(answer.cacheStatus) \(answer.body.prefix(40))"
                )
            }
        }
        return faults + check(bench.requests(path))
    }

    private func check(_ requests: [Request]) -> [String] {
        var faults: [String] = []
        if let calls, calls != requests.count {
            faults.append("\(name): the origin was asked \(requests.count) times, not \(calls)")
        }
        for wanted in seen {
            let (name, value) = CacheLine.field(CacheLine.parts(wanted).joined(separator: " | "))
            let isAbsent = name.hasPrefix("!")
            let found = HeaderName(isAbsent ? String(name.dropFirst()) : name)
                .flatMap { requests.last?.headers[$0] }
            if isAbsent ? found != nil : found != value {
                faults.append("\(self.name): the origin saw \(found ?? "no") \(name)")
            }
        }
        return faults
    }

    private static func holds(_ word: String, _ answer: CacheAnswer) -> Bool {
        if let status = Int(word) { return answer.status == status }
        if word.hasPrefix("+") {
            return HeaderName(String(word.dropFirst())).map { answer.headers.contains($0) } ?? false
        }
        if word.hasPrefix("#") { return answer.body == word }
        if word.hasPrefix("!") {
            let name = String(word.dropFirst())
            return marks.contains(name) || name.contains("=")
                ? !has(name, answer)
                : HeaderName(name).map { !answer.headers.contains($0) } ?? false
        }
        if marks.contains(word) || ["fwd", "ttl", "fwd-status", "detail"].contains(key(word)) {
            return has(word, answer)
        }
        let value = word.split(separator: "=", maxSplits: 1).dropFirst().first.map { String($0) }
        return HeaderName(key(word)).flatMap { answer.headers[$0] }
            == value?
            .replacing("_", with: " ")
    }

    private static func key(_ word: String) -> String {
        String(word.prefix { $0 != "=" })
    }

    private static func has(_ parameter: String, _ answer: CacheAnswer) -> Bool {
        answer.cacheStatus.split(separator: ";").map { $0.drop { $0 == " " } }
            .contains { $0 == parameter }
    }
}

/// Plays a table and reports every line that is not as written.
func play(
    _ table: [CacheCase],
    on bench: CacheBench,
    location: SourceLocation = #_sourceLocation
) async throws {
    let faults = try await onLoop {
        var faults: [String] = []
        for (index, line) in table.enumerated() {
            faults += try await line.play(on: bench, at: "/case\(index)")
        }
        return faults
    }
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))", sourceLocation: location)
    await bench.stop()
}
