internal import Glibc
internal import Reactor

/// A platform that docker-compose started on this machine; run from the folder of docker-compose.yml.
///
/// Linux reaches containers by their addresses, published or not, so admin ports need not be.
struct ComposePlatform: Platform {
    let docker: String
    let compose: [String]

    /// - Throws: `Shop.Failed` when there is no Docker.
    init() throws {
        guard let docker = Program.find("docker") else {
            throw Shop.Failed(description: "--compose needs docker, which is not installed")
        }
        self.docker = docker
        compose = Program.find("docker-compose").map { [$0] } ?? [docker, "compose"]
    }

    var description: String { "the containers of docker-compose.yml" }

    func members() async throws -> [Member] {
        let listed = try await run(compose + ["ps", "-q"], what: "list containers")
        let ids = listed.split(separator: "\n").map(String.init)
        guard !ids.isEmpty else {
            throw Shop.Failed(
                description: "no container is there; docker-compose up -d starts them"
            )
        }
        return try await inspect(ids)
    }

    /// Asks Docker about containers.
    func inspect(_ ids: [String]) async throws -> [Member] {
        // Stopped containers have no address.
        let format = """
            {{.Name}} {{index .Config.Labels "com.docker.compose.service"}} \
            {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}
            """
        let text = try await run([docker, "inspect", "-f", format] + ids, what: "inspect")
        return text.split(separator: "\n").compactMap { Self.member($0) }
    }

    /// Reads a line of name, service and addresses.
    static func member(_ line: Substring) -> Member? {
        let words = line.split(separator: " ")
        guard words.count >= 2, words[1] != "provision" else { return nil }
        let name = words[0].hasPrefix("/") ? words[0].dropFirst() : words[0]
        let isDatabase = words[1].hasSuffix("-postgres")
        let address = words.count > 2 && !isDatabase ? String(words[2]) : nil
        return Member(
            service: isDatabase ? "postgres" : String(words[1]),
            name: String(name),
            admin: address.flatMap { try? SocketAddress(literal: $0, port: 9000) },
            listen: address.flatMap { try? SocketAddress(literal: $0, port: 7000) }
        )
    }

    func act(_ verb: Verb, on members: [Member]) async throws {
        let word = verb == .resume ? "unpause" : verb.rawValue
        _ = try await run([docker, word] + members.map(\.name), what: word)
        guard verb == .start || verb == .restart else { return }
        let end = Deadline.after(.seconds(30))
        for member in try await self.members()
        where members.contains(where: { $0.name == member.name }) {
            while !member.isDatabase, !end.hasPassed, await !Admin().isReady(member) {
                try await EventLoop.sleep(for: .milliseconds(100))
            }
        }
    }

    func verify(wait: Int, history: String?) async throws -> Program.Outcome {
        var words = compose + ["run", "--rm", "-T"]
        if let history {
            // The container reads it as another user; its lines hold no secrets.
            unsafe chmod(history, 0o644)
            words += ["-v", "\(history):/run/history:ro"]
        }
        words += ["verify", "verify", "--databases", "/run/anyway/databases", "--wait", "\(wait)"]
        if history != nil { words += ["--history", "/run/history"] }
        return try await Program.run(
            words[0],
            Array(words.dropFirst()),
            within: .seconds(wait + 300)
        )
    }

    func adminPassword() async throws -> String? {
        try await file("admin-password").split(separator: "\n").last.map(String.init)
    }

    func authority() async throws -> String { try await file("authority.pem") }

    /// Each container keeps its key to itself.
    func consumer() -> TLSConfiguration? { nil }

    /// A file that the user service has.
    private func file(_ name: String) async throws -> String {
        try await run(
            compose + ["exec", "-T", "user", "cat", "/run/anyway/\(name)"],
            what: "read \(name)"
        )
    }

    func secureShop() async throws -> SocketAddress? {
        let host = try await members().first { $0.service == "gateway" }?.admin?.hostText
        return try host.map { try SocketAddress(literal: $0, port: 8443) }
    }

    func log(of member: Member) async throws -> [Substring] {
        let text = try await run(
            [docker, "logs", "--tail", "4000", member.name],
            what: "read logs"
        )
        return text.split(separator: "\n")
    }

    func query(_ sql: String, in service: String) async throws -> String {
        let psql = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", service]
        return try await run(
            compose + ["exec", "-T", "\(service)-postgres"] + psql + ["-c", sql],
            what: "ask \(service)-postgres"
        )
    }

    func run(_ words: [String], what: String) async throws -> String {
        let outcome = try await Program.run(words[0], Array(words.dropFirst()))
        guard outcome.succeeded else {
            throw Shop.Failed(description: "cannot \(what): \(outcome.text)")
        }
        return outcome.text
    }
}
