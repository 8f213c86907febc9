internal import FoundationEssentials

/// `stack events` and `stack replay`: what could not be applied, and another try.
///
/// It asks the gateway, as the administrator that every stack has: the services' own routes decide what
/// may be done, and note who did it.
struct Events {
    let layout: Layout

    private struct Session: Decodable {
        var access_token: String
    }

    struct Consumers: Decodable {
        struct Consumer: Decodable {
            var name: String
            var position: String
            var followed_by: String?
            var stopped: String?
            var parked: Int
        }
        var consumers: [Consumer]
    }

    struct Parked: Decodable {
        struct Subject: Decodable {
            var feed: String
            var subject: String
            var events: Int
            var type: String
            var reason: String?
            var since: String
        }
        var parked: [Subject]
    }

    struct Replayed: Decodable {
        struct Report: Decodable {
            var feed: String
            var applied: Int
            var left: Int
            var reason: String?
        }
        var replayed: [Report]
    }

    /// Prints where consumers stand and what is set aside; 1 when anything waits for an operator.
    func list() throws(StackError) -> Int32 {
        let door = try Door(layout)
        let consumers: Consumers = try door.ask("GET", "/ops/consumers")
        let parked: Parked = try door.ask("GET", "/ops/events/parked")
        Terminal.say(Events.text(consumers, parked))
        let isWell = parked.parked.isEmpty && consumers.consumers.allSatisfy { $0.stopped == nil }
        return isWell ? 0 : 1
    }

    /// Applies a subject's parked events in their order; 1 when some are left.
    func replay(_ subject: String) throws(StackError) -> Int32 {
        let answer: Replayed =
            try Door(layout).ask("POST", "/ops/events/parked/\(subject)/replay")
        for report in answer.replayed {
            let why = report.reason.map { ": \($0)" } ?? ""
            Terminal.say(
                "\(report.feed): \(report.applied) applied, \(report.left) still parked\(why)"
            )
        }
        return answer.replayed.allSatisfy { $0.left == 0 } ? 0 : 1
    }

    static func text(_ consumers: Consumers, _ parked: Parked) -> String {
        var rows = [["feed", "position", "followed by", "parked", "stopped"]]
        rows += consumers.consumers.map {
            [$0.name, $0.position, $0.followed_by ?? "-", "\($0.parked)", $0.stopped ?? "-"]
        }
        guard !parked.parked.isEmpty else { return Terminal.table(rows) }
        var aside = [["feed", "subject", "events", "since", "the first one"]]
        aside += parked.parked.map {
            [
                $0.feed, $0.subject, "\($0.events)", $0.since,
                "\($0.type): \($0.reason ?? "waits")",
            ]
        }
        let advice = "apply them again with: stack replay SUBJECT"
        return [Terminal.table(rows), Terminal.table(aside), advice].joined(separator: "\n\n")
    }

    /// The gateway, and who knocks.
    private struct Door {
        private let port: UInt16
        private let token: String

        init(_ layout: Layout) throws(StackError) {
            port = UInt16(clamping: try StateFile(layout: layout).require().gatewayPort)
            let password = Files.text(layout.secret("admin-password"))?.trimmingSuffix("\n") ?? ""
            let person = ["email": Planner.adminEmail, "password": password]
            let json = String(
                decoding: (try? JSONEncoder().encode(person)) ?? Data(),
                as: UTF8.self
            )
            let session: Session =
                try Door.ask("POST", "/users/login", port: port, headers: [], json: json)
            token = session.access_token
        }

        func ask<Answer: Decodable>(
            _ method: String,
            _ path: String
        ) throws(StackError) -> Answer {
            let headers = ["Authorization: Bearer \(token)"]
            return try Door.ask(method, path, port: port, headers: headers, json: nil)
        }

        private static func ask<Answer: Decodable>(
            _ method: String,
            _ path: String,
            port: UInt16,
            headers: [String],
            json: String?
        ) throws(StackError) -> Answer {
            let response = LoopbackHTTP.send(
                method,
                path,
                port: port,
                headers: headers,
                json: json,
                timeout: .seconds(15)
            )
            guard let response else {
                throw .unavailable("the gateway on port \(port) does not answer; see: stack ps")
            }
            guard response.isSuccess else {
                throw .refused("\(method) \(path): \(response.status) \(response.text)")
            }
            do {
                return try JSONDecoder().decode(Answer.self, from: Data(response.body))
            } catch {
                throw .refused("\(method) \(path): the answer cannot be read: \(response.text)")
            }
        }
    }
}
