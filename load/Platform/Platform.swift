internal import HTTP
internal import Reactor

/// The platform as somebody sees it who may break it: its processes, and what can be done to them.
protocol Platform: Sendable {
    /// What it is, in a sentence.
    var description: String { get }
    /// Its processes and databases, as they are now.
    func members() async throws -> [Member]
    /// Does something to one of them, or to several.
    func act(_ verb: Verb, on members: [Member]) async throws
    /// Asks the oracle, which waits for so many seconds at most.
    func verify(wait: Int, history: String?) async throws -> Program.Outcome
    /// The certificate of the authority that processes trust, in PEM.
    func authority() async throws -> String
    /// The certificate and key of a consumer of events; nil where they are out of reach.
    func consumer() -> TLSConfiguration?
    /// The administrator's password; nil when it is out of reach.
    func adminPassword() async throws -> String?
    /// Where the gateway serves clients over TLS; nil for nowhere.
    func secureShop() async throws -> SocketAddress?
    /// What a process wrote of late, line by line.
    func log(of member: Member) async throws -> [Substring]
    /// Runs SQL in a service's database, as whoever administers it; what `psql -At` prints.
    func query(_ sql: String, in service: String) async throws -> String
    /// Starts one more gateway, whose routes are a file of its own, and waits until it is ready.
    func startGateway(_ folder: OwnFolder) async throws -> OwnGateway
}

/// One process or container of the platform.
struct Member: Sendable, Equatable {
    /// The service, such as `order`, or `postgres` for a database.
    var service: String
    /// What it is called: `order.2`, `anyway_order_2`, `order-postgres`.
    var name: String
    /// Where it is asked for metrics and given faults; nil for databases.
    var admin: SocketAddress?
    /// Where other processes call it; nil for databases.
    var listen: SocketAddress?

    var isDatabase: Bool { service == "postgres" }
}

/// What can be done to a process.
enum Verb: String, Sendable, CaseIterable {
    case kill, start, pause, resume, restart
}

/// Talks to admin ports.
struct Admin: Sendable {
    let client = HTTPClient()
    /// How long an answer is waited for.
    var patience = Duration.seconds(2)
    /// How often a process is asked to give its faults back, and the pause in between.
    private let tries = 5
    var pause = Duration.milliseconds(500)

    /// `/metrics` of each; those that do not answer are left out.
    func metrics(_ members: [Member]) async -> [String] {
        await withTaskGroup(of: String?.self) { group in
            for member in members {
                group.addTask { await ask(member, ClientRequest(.get, "/metrics"))?.text }
            }
            var texts: [String] = []
            for await text in group { if let text { texts.append(text) } }
            return texts
        }
    }

    /// Whether the process takes work.
    func isReady(_ member: Member) async -> Bool {
        await ask(member, ClientRequest(.get, "/health/ready"))?.status == 200
    }

    /// Gives a process a fault.
    ///
    /// - Throws: when it does not answer or does not take it.
    func add(_ fault: JSONValue, to member: Member) async throws {
        let answer = await ask(member, try .json(.post, "/faults", fault))
        guard let answer, answer.status < 300 else {
            throw Shop.Failed(
                description: answer?.status == 403
                    ? "\(member.name) takes no faults: start with stack up --faults, or FAULTS=on docker-compose up"
                    : "\(member.name) did not take the fault: \(answer?.text ?? "no answer")"
            )
        }
    }

    /// Takes all faults back, or the one of a name.
    ///
    /// Asks again when no answer comes: a process that is paused or slow keeps what it has. Where nobody
    /// listens any more there is nothing to take back.
    ///
    /// - Returns: whether it is certain that they are gone; if not, that is said as well.
    @discardableResult
    func clear(_ member: Member, of name: String? = nil) async -> Bool {
        let request = ClientRequest(.delete, "/faults" + (name.map { "/\($0)" } ?? ""))
        for _ in 0..<tries {
            do throws(ClientError) {
                // Whoever has no such fault, or takes none, says so with 404 and 403.
                guard let answer = try await exchange(member, request), answer.status >= 500
                else { return true }
            } catch {
                if case .connect(.refused) = error { return true }
            }
            try? await EventLoop.sleep(for: pause)
        }
        Terminal.note("\(member.name) may keep its faults: it does not answer")
        return false
    }

    /// How many requests met the fault of this name so far, counted by the process that they reached.
    ///
    /// - Throws: when one of them does not tell: a sum without it would be wrong.
    func seen(_ fault: String, at members: [Member]) async throws -> Int {
        try await sum("seen", of: fault, at: members)
    }

    /// To how many of them it did something.
    ///
    /// - Throws: as ``seen(_:at:)``.
    func fired(_ fault: String, at members: [Member]) async throws -> Int {
        try await sum("fired", of: fault, at: members)
    }

    /// The faults that a process has.
    ///
    /// - Throws: when it takes none, or does not answer, asked five times.
    func rules(of member: Member) async throws -> [JSONValue] {
        let answer = try await Self.insist { await ask(member, ClientRequest(.get, "/faults")) }
        guard let answer, answer.status == 200 else {
            throw Shop.Failed(description: "\(member.name) takes no faults")
        }
        let value = try JSON.decode(JSONValue.self, from: Array(answer.text.utf8))
        return value["rules"]?.array ?? []
    }

    /// What comes of a question that may go without an answer where the machine is busy: asked five times.
    static func insist<Answer>(_ question: () async -> Answer?) async throws -> Answer? {
        for _ in 0..<5 {
            if let answer = await question() { return answer }
            try await EventLoop.sleep(for: .milliseconds(200))
        }
        return nil
    }

    private func sum(
        _ figure: String,
        of fault: String,
        at members: [Member]
    ) async throws -> Int {
        var sum = 0
        for member in members {
            for rule in try await rules(of: member) where rule["name"]?.string == fault {
                sum += Int(rule[figure]?.integer ?? 0)
            }
        }
        return sum
    }

    private func ask(
        _ member: Member,
        _ request: ClientRequest
    ) async -> (status: Int, text: String)? {
        do throws(ClientError) { return try await exchange(member, request) } catch { return nil }
    }

    /// One request and its answer; nil for a database, which has no admin port.
    private func exchange(
        _ member: Member,
        _ request: ClientRequest
    ) async throws(ClientError) -> (status: Int, text: String)? {
        guard let address = member.admin else { return nil }
        var request = request
        request.isReplayable = true
        let response = try await client.send(
            request,
            to: Endpoint(address),
            until: .after(patience)
        )
        let body = try await response.body(limit: 4 << 20)
        return (response.status.code, String(decoding: body, as: UTF8.self))
    }
}
