internal import FoundationEssentials
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

    /// What the platform consists of, besides databases: whoever watches it or sends it load is no part.
    private static let services: Set = [
        "gateway", "user", "product", "order", "payment", "notification", "provider",
    ]

    func members() async throws -> [Member] {
        let listed = try await run(compose + ["ps", "-q"], what: "list containers")
        let ids = listed.split(separator: "\n").map(String.init)
        guard !ids.isEmpty else {
            throw Shop.Failed(
                description: "no container is there; docker-compose up -d starts them"
            )
        }
        return try await inspect(ids).filter { !$0.isExtra }.map(\.member)
    }

    /// A container, and whether it was started beside those that belong together, by `run`.
    struct Container: Sendable, Equatable {
        let member: Member
        let isExtra: Bool
    }

    /// Asks Docker about containers.
    func inspect(_ ids: [String]) async throws -> [Container] {
        // Stopped containers have no address.
        let format = """
            {{.Name}} {{index .Config.Labels "com.docker.compose.service"}} \
            {{if eq (index .Config.Labels "com.docker.compose.oneoff") "True"}}run{{else}}up{{end}} \
            {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}
            """
        let text = try await run([docker, "inspect", "-f", format] + ids, what: "inspect")
        return text.split(separator: "\n").compactMap { Self.container($0) }
    }

    /// Reads a line of name, service, how it was started, and addresses; nil for what is no part of the
    /// platform.
    static func container(_ line: Substring) -> Container? {
        let words = line.split(separator: " ")
        guard words.count >= 3 else { return nil }
        let name = words[0].hasPrefix("/") ? words[0].dropFirst() : words[0]
        let isDatabase = words[1].hasSuffix("-postgres")
        guard isDatabase || services.contains(String(words[1])) else { return nil }
        let address = words.count > 3 && !isDatabase ? String(words[3]) : nil
        // The gateway's plain port is the one for clients.
        let port: UInt16 = words[1] == "gateway" ? 8080 : 7000
        let member = Member(
            service: isDatabase ? "postgres" : String(words[1]),
            name: String(name),
            admin: address.flatMap { try? SocketAddress(literal: $0, port: 9000) },
            listen: address.flatMap { try? SocketAddress(literal: $0, port: port) }
        )
        return Container(member: member, isExtra: words[2] == "run")
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
        let oracle = ["verify", "--databases", "/run/anyway/databases", "--wait", "\(wait)"]
        guard let history else { return try await judge(oracle, wait) }
        // The container reads it as another user; its lines hold no secrets.
        let mode = try FileManager.default.attributesOfItem(atPath: history)[.posixPermissions]
        try Self.setMode(0o644, of: history)
        defer { if let mode { try? Self.setMode(mode, of: history) } }
        return try await judge(
            oracle + ["--history", "/run/history"],
            with: ["-v", "\(history):/run/history:ro"],
            wait
        )
    }

    /// Runs the oracle in a container of its own.
    private func judge(
        _ oracle: [String],
        with mounts: [String] = [],
        _ wait: Int
    ) async throws -> Program.Outcome {
        let words = compose + ["run", "--rm", "-T"] + mounts + ["verify"] + oracle
        return try await Program.run(
            words[0],
            Array(words.dropFirst()),
            within: .verifying(wait)
        )
    }

    private static func setMode(_ mode: Any, of file: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
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
        let host = try await members().first { $0.service == "gateway" }?.listen?.hostText
        return try host.map { try SocketAddress(literal: $0, port: 8443) }
    }

    func log(of member: Member) async throws -> [Substring] {
        let text = try await run(
            [docker, "logs", "--tail", "4000", member.name],
            what: "read logs",
            within: .looking
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

    func run(
        _ words: [String],
        what: String,
        within limits: Program.Limits = .init()
    ) async throws -> String {
        let outcome = try await Program.run(words[0], Array(words.dropFirst()), within: limits)
        guard outcome.succeeded else {
            throw Shop.Failed(description: "cannot \(what): \(outcome.text)")
        }
        return outcome.text
    }
}
