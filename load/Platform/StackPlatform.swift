internal import FoundationEssentials
internal import Reactor

/// A platform that `stack up` started on this machine.
struct StackPlatform: Platform {
    /// The stack's folder.
    let data: String
    private let program = Program.sibling("stack")

    init(_ data: String) { self.data = data }

    var description: String { "the stack in \(data)" }

    func members() async throws -> [Member] {
        let listing = try await stack(
            ["env"],
            what: "list the stack's processes",
            within: .looking
        )
        return Self.members(listing)
    }

    /// Reads what `stack env` prints.
    static func members(_ listing: String) -> [Member] {
        var members = [Member(service: "postgres", name: "postgres")]
        for line in listing.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let key = parts.first, key.hasSuffix("_LISTEN"),
                let port = parts[1].split(separator: ":").last.flatMap({ UInt16($0) })
            else { continue }
            let words = key.lowercased().split(separator: "_")
            guard words.count >= 3, Int(words[1]) != nil else { continue }
            let name = "\(words[0]).\(words[1])"
            let index = members.firstIndex { $0.name == name } ?? members.count
            if index == members.count {
                members.append(Member(service: String(words[0]), name: name))
            }
            if words[2] == "admin" {
                members[index].admin = .loopback(port: port)
            } else {
                members[index].listen = .loopback(port: port)
            }
        }
        return members
    }

    func act(_ verb: Verb, on members: [Member]) async throws {
        _ = try await stack([verb.rawValue] + members.map(\.name), what: "\(verb.rawValue)")
    }

    func verify(wait: Int, history: String?) async throws -> Program.Outcome {
        try await oracle(history.map { ["--history", $0] } ?? [], wait)
    }

    private func oracle(_ words: [String], _ wait: Int) async throws -> Program.Outcome {
        try await Program.run(
            program,
            ["verify", "--data", data, "--wait", "\(wait)"] + words,
            within: .verifying(wait)
        )
    }

    /// What the oracle says of each invariant once all hold, or after so many seconds.
    ///
    /// - Throws: `Shop.Failed` when it cannot read a database.
    func findings(wait: Int, history: String) async throws -> [Invariant] {
        let outcome = try await oracle(["--json", "--history", history], wait)
        return try Invariant.all(in: outcome.text)
    }

    func adminPassword() async throws -> String? {
        do {
            let file = URL(filePath: "\(data)/secrets/admin-password")
            let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            return text.filter { !$0.isNewline }
        } catch {
            throw Shop.Failed(
                description: "'\(data)' holds no stack: secrets/admin-password is missing"
            )
        }
    }

    func authority() async throws -> String {
        let file = URL(filePath: "\(data)/certificates/authority.pem")
        return String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }

    func secureShop() async throws -> SocketAddress? {
        guard let url = try await settings()["ANYWAY_HTTPS_URL"],
            let port = url.split(separator: ":").last.flatMap({ UInt16($0) })
        else { return nil }
        return .loopback(port: port)
    }

    func log(of member: Member) async throws -> [Substring] {
        let text = try await stack(
            ["logs", member.name, "-n", "4000"],
            what: "read logs",
            within: .looking
        )
        return text.split(separator: "\n")
    }

    func query(_ sql: String, in service: String) async throws -> String {
        guard let psql = Program.find("psql") else {
            throw Shop.Failed(description: "psql is not installed")
        }
        let settings = try await settings()
        let outcome = try await Program.run(
            psql,
            [
                "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
                "-p", settings["POSTGRES_PORT"] ?? "", "-U", "postgres", "-d", service, "-c", sql,
            ],
            adding: ["PGPASSFILE": settings["PGPASSFILE"] ?? ""]
        )
        guard outcome.succeeded else {
            throw Shop.Failed(description: "psql: \(outcome.text)")
        }
        return outcome.text
    }

    /// What `stack env` prints, by key.
    func settings() async throws -> [String: String] {
        let listing = try await stack(
            ["env"],
            what: "list the stack's settings",
            within: .looking
        )
        return Self.settings(listing)
    }

    static func settings(_ listing: String) -> [String: String] {
        var found: [String: String] = [:]
        for line in listing.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { found[String(parts[0])] = String(parts[1]) }
        }
        return found
    }

    func consumer() -> TLSConfiguration? {
        TLSConfiguration(
            certificateFile: "\(data)/certificates/notification.1.pem",
            keyFile: "\(data)/secrets/notification.1.key",
            caFile: "\(data)/certificates/authority.pem"
        )
    }

    private func stack(
        _ words: [String],
        what: String,
        within limits: Program.Limits = .init()
    ) async throws -> String {
        let outcome = try await Program.run(program, words + ["--data", data], within: limits)
        guard outcome.succeeded else {
            throw Shop.Failed(description: "cannot \(what): \(outcome.text)")
        }
        return outcome.text
    }
}
