public import Reactor

/// One event of a stream of server-sent events, as the HTML standard spells them.
public struct ServerSentEvent: Sendable, Equatable {
    /// What a client that comes again says it has seen (`Last-Event-ID`).
    public var id: String?
    /// The event's type; a client's `message` when nil.
    public var event: String?
    /// The text; its lines become `data` lines.
    public var data: String
    /// How long the client shall wait before it comes again.
    public var retry: Duration?

    /// An event.
    public init(_ data: String, id: String? = nil, event: String? = nil, retry: Duration? = nil) {
        self.data = data
        self.id = id
        self.event = event
        self.retry = retry
    }

    /// The event on the wire; line ends in names and ids become spaces, so none can forge a field.
    var text: String {
        var text = ""
        if let event { text += "event: \(Self.oneLine(event))\n" }
        if let id { text += "id: \(Self.oneLine(id))\n" }
        if let retry { text += "retry: \(retry.components.seconds * 1000)\n" }
        for line in Self.lines(data) { text += "data: \(line)\n" }
        return text + "\n"
    }

    private static func lines(_ text: String) -> [Substring] {
        // CR LF is one character to Swift, but any of the three ends a line to clients.
        var lines: [Substring] = []
        var rest = text.unicodeScalars[...]
        while let end = rest.firstIndex(where: { $0 == "\r" || $0 == "\n" }) {
            lines.append(Substring(rest[..<end]))
            let isPair = rest[end...].starts(with: ["\r", "\n"] as [Unicode.Scalar])
            rest = rest[end...].dropFirst(isPair ? 2 : 1)
        }
        return lines + [Substring(rest)]
    }

    private static func oneLine(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where scalar != "\0" {
            line.append(scalar == "\r" || scalar == "\n" ? " " : scalar)
        }
        return String(line)
    }
}

extension Response {
    /// A stream of server-sent events.
    ///
    /// - Parameters:
    ///   - heartbeat: after so long without an event a comment is sent.
    ///   - next: the events that have come by the deadline it is given, none if there were none; nil
    ///     ends the stream. Called again and again on the connection's task.
    public static func events(
        heartbeat: Duration = .seconds(15),
        next: @escaping @Sendable (_ until: Deadline) async throws -> [ServerSentEvent]?
    ) -> Response {
        Response(
            .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: .stream { body in
                try await body.flush()
                while !body.isDraining, let events = try await next(.after(heartbeat)) {
                    // The comment keeps proxies from closing a quiet stream, and shows soon that a
                    // client has gone.
                    let text = events.isEmpty ? ": \n\n" : events.map(\.text).joined()
                    try await body.write(text)
                }
            }
        )
    }
}
