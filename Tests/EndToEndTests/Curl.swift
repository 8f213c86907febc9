import Foundation

/// An answer as curl saw it.
struct Answer: Sendable {
    let status: Int
    let headers: [String: String]
    let body: String

    /// A member of the JSON body by its path: `answer["items", 0, "id"]`.
    subscript(path: any Sendable...) -> Any? {
        var value = try? JSONSerialization.jsonObject(
            with: Data(body.utf8),
            options: [.fragmentsAllowed]
        )
        for step in path {
            if let name = step as? String {
                value = (value as? [String: Any])?[name]
            } else if let index = step as? Int, let list = value as? [Any] {
                value = list.indices.contains(index) ? list[index] : nil
            }
        }
        return value
    }

    /// The text at a path; empty when there is none.
    func text(_ name: String) -> String { self[name] as? String ?? "" }

    /// The JSON pointers that a problem names.
    var pointers: [String] {
        let errors = self["errors"] as? [[String: Any]] ?? []
        return errors.compactMap { $0["pointer"] as? String }
    }
}

/// Speaks to a stack as its users do: with curl.
struct Curl: Sendable {
    let port: Int

    func callAsFunction(
        _ method: String,
        _ path: String,
        token: String? = nil,
        json: String? = nil,
        headers: [String] = [],
        within seconds: Int = 20
    ) async throws -> Answer {
        var arguments = [
            "-sS", "--http1.1", "-X", method, "-m", "\(seconds)", "-D", "/dev/stderr",
            "http://127.0.0.1:\(port)\(path)",
        ]
        if let token { arguments += ["-H", "Authorization: Bearer \(token)"] }
        if let json {
            arguments += ["-H", "Content-Type: application/json", "--data-binary", json]
        }
        for header in headers { arguments += ["-H", header] }
        let command = try await Command.run(
            "/usr/bin/curl",
            arguments,
            within: .seconds(seconds + 5)
        )
        return Self.parse(head: command.errors, body: command.output)
    }

    /// curl prints each head it got; the last one counts.
    static func parse(head: String, body: String) -> Answer {
        var status = 0
        var headers: [String: String] = [:]
        for line in head.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("HTTP/1.1 ") {
                status = Int(line.dropFirst(9).prefix(3)) ?? 0
                headers = [:]
            } else if let colon = line.firstIndex(of: ":") {
                headers[line[..<colon].lowercased()] =
                    line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            }
        }
        return Answer(status: status, headers: headers, body: body)
    }
}
