public import Reactor

/// One piece of work that has ended, as part of a trace: what it was, when, and how it came out.
///
/// It is made on the hot path, so it holds references and numbers alone; texts are put together when
/// somebody reads them. Names and details never hold values of a statement.
public struct TraceSpan: Sendable {
    /// The higher 64 bits of the trace id.
    public let traceHigh: UInt64
    /// The lower 64 bits of the trace id.
    public let traceLow: UInt64
    /// Its own id.
    public let id: UInt64
    /// The id of the span that caused it; zero for a trace's first.
    public let parent: UInt64
    /// When it began.
    public let start: Deadline
    /// When it ended.
    public let end: Deadline
    /// What it was, in words that many spans share.
    public let name: SpanName
    /// On which side of a call.
    public let kind: SpanKind
    /// More about it.
    public let detail: SpanDetail
    /// Why it failed; nil when it did not.
    public let failure: String?
    /// Whether the trace's first process chose to keep it.
    let isSampled: Bool
    /// Whether it is the process's first of the trace: at its end the trace is kept or forgotten.
    public let isLocalRoot: Bool

    /// How long it took, in nanoseconds.
    public var nanoseconds: UInt64 {
        end > start ? end.nanoseconds - start.nanoseconds : 0
    }
}

/// The id of a trace.
public struct TraceID: Sendable, Hashable {
    /// The higher 64 bits.
    public let high: UInt64
    /// The lower 64 bits.
    public let low: UInt64

    /// Puts an id together.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// On which side of a call a span is.
public enum SpanKind: String, Sendable, Codable {
    /// Work within the process.
    case `internal`
    /// Answering a request.
    case server
    /// Waiting for another process.
    case client
    /// Taking in an event.
    case consumer
}

/// What a span is called: few names for many spans.
public enum SpanName: Sendable {
    /// Two words, such as `POST` and `/orders`.
    case words(String, String)
    /// The statement of this type.
    case statement(Any.Type)
    /// Statements of these types, sent together.
    case statements([Any.Type])

    /// The name as text.
    public var text: String {
        switch self {
        case .words(let first, let second): second.isEmpty ? first : "\(first) \(second)"
        case .statement(let type): "\(type)"
        case .statements(let types):
            types.prefix(3).map { "\($0)" }.joined(separator: " + ")
                + (types.count > 3 ? " + \(types.count - 3) more" : "")
        }
    }
}

/// What else is known about a span, by what it did.
public enum SpanDetail: Sendable {
    /// Nothing.
    case none
    /// A request that was answered.
    case request(method: String, route: String?, status: Int)
    /// A call to another service, all its tries together.
    case call(upstream: String, tries: Int)
    /// One try; 0 is the first.
    case attempt(upstream: String, instance: SocketAddress?, number: Int, status: Int?)
    /// Statements for the database; the state is the server's when it refused them.
    case statements(count: Int, sqlState: String?)
    /// A drive of a saga.
    case saga(id: String, driver: String, end: String)
    /// A step of a saga; 1 is the first attempt.
    case step(action: String, attempt: Int, outcome: String)
    /// An event taken in.
    case event(type: String, subject: String, feed: String)
}

/// A value of a span's attribute.
public enum SpanValue: Sendable, Hashable {
    /// Text.
    case text(String)
    /// A whole number.
    case number(Int)
}

extension SpanDetail {
    /// The attributes, named as OpenTelemetry's semantic conventions name them where those do.
    public var attributes: [(key: String, value: SpanValue)] {
        switch self {
        case .none: []
        case .request(let method, let route, let status):
            [("http.request.method", .text(method))]
                + (route.map { [("http.route", .text($0))] } ?? [])
                + [("http.response.status_code", .number(status))]
        case .call(let upstream, let tries):
            [("anyway.upstream", .text(upstream)), ("anyway.tries", .number(tries))]
        case .attempt(let upstream, let instance, let number, let status):
            [("anyway.upstream", .text(upstream))]
                + (instance.map { [("server.address", .text($0.description))] } ?? [])
                + [("http.request.resend_count", .number(number))]
                + (status.map { [("http.response.status_code", .number($0))] } ?? [])
        case .statements(let count, let sqlState):
            [("db.system.name", .text("postgresql")), ("db.operation.batch.size", .number(count))]
                + (sqlState.map { [("db.response.status_code", .text($0))] } ?? [])
        case .saga(let id, let driver, let end):
            [
                ("anyway.saga.id", .text(id)), ("anyway.saga.driver", .text(driver)),
                ("anyway.saga.end", .text(end)),
            ]
        case .step(let action, let attempt, let outcome):
            [
                ("anyway.saga.action", .text(action)), ("anyway.saga.attempt", .number(attempt)),
                ("anyway.saga.outcome", .text(outcome)),
            ]
        case .event(let type, let subject, let feed):
            [
                ("messaging.operation.type", .text("process")),
                ("messaging.destination.name", .text(feed)),
                ("cloudevents.event_type", .text(type)),
                ("cloudevents.event_subject", .text(subject)),
            ]
        }
    }
}
