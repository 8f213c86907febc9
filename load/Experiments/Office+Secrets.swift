internal import FoundationEssentials
internal import HTTP
internal import Identity
internal import Reactor

extension Office {
    private static let readAgain = "certificates read again"
    private static let unreadable = "certificates cannot be read, the old ones stay in use"

    // MARK: Certificates

    /// Everybody's certificate is replaced; then one of them by somebody else's.
    func certificates() async throws -> [Attempt] {
        guard let stack = stage.platform as? StackPlatform else {
            return [
                Attempt(
                    what: "left out",
                    came:
                        "in containers nobody keeps the authority's key, so nobody can sign new ones",
                    isAsExpected: true
                )
            ]
        }
        let cabinet = try Cabinet(stack.data, try await stack.settings())
        let members = stage.members.filter { cabinet.files[$0.name] != nil }
        let before = try await lastWord(Self.readAgain, members)
        for member in members { try cabinet.replace(member) }
        let new = try await waitFor(members, since: before)
        guard let victim = stage.members(of: "order").last, let other = members.first,
            let files = cabinet.files[victim.name]
        else { return [] }
        let kept = try String(contentsOfFile: files.certificate, encoding: .utf8)
        let failures = try await lastWord(Self.unreadable, [victim])
        let wrong: Set<String>
        do {
            try cabinet.issue(other.service, to: files.certificate)
            wrong = try await waitFor([victim], since: failures)
        } catch {
            try SecretFile.write(kept, to: files.certificate, mode: 0o644)
            throw error
        }
        let reason = try await stage.platform.log(of: victim).compactMap {
            Self.field("reason", of: $0, saying: Self.unreadable)
        }
        try SecretFile.write(kept, to: files.certificate, mode: 0o644)
        return [
            Attempt(
                what: "new ones for all",
                came: "\(new.count) of \(members.count) processes read theirs, none was restarted",
                isAsExpected: new.count == members.count
            ),
            Attempt(
                what: "\(victim.name) is given \(other.service)'s by mistake",
                came: wrong.isEmpty
                    ? "no word of it"
                    : "the old one stays in use: \(cabinet.short(reason.last ?? ""))",
                isAsExpected: !wrong.isEmpty
            ),
        ]
    }

    /// What each of the members said last of something.
    private func lastWord(_ message: String, _ members: [Member]) async throws -> LastWord {
        var word = LastWord(message)
        for member in members {
            word.listen(member.name, try await stage.platform.log(of: member))
        }
        return word
    }

    /// Those that have said it once more within a while.
    private func waitFor(_ members: [Member], since before: LastWord) async throws -> Set<String> {
        var found: Set<String> = []
        let end = Deadline.after(.seconds(60))
        while found.count < members.count, !end.hasPassed {
            try await EventLoop.sleep(for: .seconds(1))
            for member in members where !found.contains(member.name) {
                let log = try await stage.platform.log(of: member)
                if before.isOutdated(by: log, of: member.name) { found.insert(member.name) }
            }
        }
        return found
    }

    // MARK: The signing key

    /// The key is made to look as old as it is when the user service makes a new one.
    func signingKey() async throws -> [Attempt] {
        guard let account = stage.session.customers.first?.account else { return [] }
        let old = Self.key(of: account.token)
        let before = Set(try await keys())
        // Past its end less the week in which its successor is made ready.
        try await age("84 days", where: "not_after > now() + interval '7 days'")
        let published = try await restartUsers {
            let now = try await keys()
            return Set(now).isSubset(of: before) ? nil : now.count
        }
        // A key is published for an hour before it signs; that hour passes now.
        try await age("2 hours", where: "created_at > now() - interval '1 hour'")
        let token = try await restartUsers {
            let token = try await shop.signIn(account.email, account.password)
            return Self.key(of: token) == old ? nil : token
        }
        var findings = [
            Attempt(
                what: "its successor is published beside it",
                came: published.map { "\($0) keys" } ?? "no",
                isAsExpected: published != nil
            ),
            Attempt(
                what: "new tokens are signed by it",
                came: token == nil ? "no" : "yes",
                isAsExpected: token != nil
            ),
        ]
        for (what, token) in [
            ("a token of the new key", token), ("a token of the old one", account.token),
        ] {
            findings.append(
                await expect(200, what, "/users/me", ["authorization": "Bearer \(token ?? "")"])
            )
        }
        return findings
    }

    private func age(_ interval: String, where condition: String) async throws {
        _ = try await stage.platform.query(
            "UPDATE signing_keys SET created_at = created_at - interval '\(interval)', "
                + "not_after = not_after - interval '\(interval)' WHERE \(condition)",
            in: "user"
        )
    }

    /// Replaces the user processes one by one, which read the keys at their start, until `body` has
    /// something to show.
    private func restartUsers<Value>(_ body: () async throws -> Value?) async throws -> Value? {
        for member in stage.members(of: "user") {
            try await stage.platform.act(.restart, on: [member])
        }
        for _ in 0..<10 {
            if let value = try await body() { return value }
            try await EventLoop.sleep(for: .seconds(1))
        }
        return nil
    }

    /// The names of the keys that tokens may be signed with.
    private func keys() async throws -> [String] {
        let answer = try await ask(ClientRequest(.get, "/.well-known/jwks.json"))
        let set = try JSON.decode(JSONValue.self, from: answer.content)
        return (set["keys"]?.array ?? []).compactMap { $0["kid"]?.string }
    }

    /// The name of the key that signed a token.
    static func key(of token: String) -> String? {
        guard let head = token.split(separator: ".").first,
            let bytes = Base64.url.decode(String(head)),
            let value = try? JSON.decode(JSONValue.self, from: bytes)
        else { return nil }
        return value["kid"]?.string
    }
}

/// The last line of each process that says something.
///
/// Counting lines would not do: of a log only the end is read, and old lines leave it.
struct LastWord: Sendable {
    private let message: String
    private var lines: [String: Substring] = [:]

    init(_ message: String) { self.message = message }

    /// Remembers what a process has said so far.
    mutating func listen(_ name: String, _ log: [Substring]) { lines[name] = last(log) }

    /// Whether a process has said it again since.
    func isOutdated(by log: [Substring], of name: String) -> Bool {
        guard let last = last(log) else { return false }
        return last != lines[name]
    }

    private func last(_ log: [Substring]) -> Substring? { log.last { $0.contains(message) } }
}

/// The certificates and keys of a stack's processes, and the authority that signs them.
private struct Cabinet {
    /// Certificate and key, by the process's name.
    let files: [String: (certificate: String, key: String)]
    private let folder: String
    private let authority: CertificateAuthority

    init(_ folder: String, _ settings: [String: String]) throws {
        guard let certificate = settings["TLS_CA"] else {
            throw Shop.Failed(description: "the stack names no authority")
        }
        self.folder = folder
        authority = try CertificateAuthority(
            certificatePEM: String(contentsOfFile: certificate, encoding: .utf8),
            keyPEM: String(contentsOfFile: "\(folder)/secrets/authority.key", encoding: .utf8)
        )
        var files: [String: (certificate: String, key: String)] = [:]
        for (name, certificate) in settings where name.hasSuffix("_TLS_CERT") {
            let words = name.lowercased().split(separator: "_")
            guard words.count == 4, let key = settings[name.dropLast(4) + "KEY"] else { continue }
            files["\(words[0]).\(words[1])"] = (certificate, key)
        }
        self.files = files
    }

    /// Gives a process a new certificate and key.
    func replace(_ member: Member) throws {
        guard let own = files[member.name] else { return }
        try authority.issue(member.service)
            .write(certificateFile: own.certificate, keyFile: own.key)
    }

    /// Writes a service's new certificate to a file, without its key.
    func issue(_ service: String, to file: String) throws {
        try SecretFile.write(authority.issue(service).certificatePEM, to: file, mode: 0o644)
    }

    /// A reason without the folder's name.
    func short(_ reason: String) -> String {
        reason.split(separator: folder, omittingEmptySubsequences: false).joined(separator: "…")
    }
}
