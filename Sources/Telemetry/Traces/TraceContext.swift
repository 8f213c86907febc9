/// Where a piece of work stands in a distributed trace: the W3C Trace Context of one span.
///
/// `https://www.w3.org/TR/trace-context/`. Whatever handles a request binds ``current`` for its
/// duration; log lines and outgoing calls pick it up from there, and so do the spans inside it.
public struct TraceContext: Sendable {
    /// The context of the work this task does; `nil` outside any request.
    @TaskLocal public static var current: TraceContext?

    /// The higher 64 bits of the trace id.
    public let traceHigh: UInt64
    /// The lower 64 bits of the trace id.
    public let traceLow: UInt64
    /// This span's id, the `parent-id` of the header it sends; never zero.
    public let spanID: UInt64
    /// Whether the caller recorded this trace (flag bit 0; other flag bits are not sent on).
    public let isSampled: Bool
    /// What few contexts have, in one reference: a context is copied with every request.
    private let company: TraceCompany?

    /// What other tracing systems want to be told further on, the `tracestate` header; never read here.
    public var state: String? { company?.state }
    /// Who keeps this process's spans of the trace; nil when nobody does.
    var tracer: Tracer? { company?.tracer }

    /// Makes a context from its parts; `nil` when an id is zero, which the standard forbids.
    public init?(traceHigh: UInt64, traceLow: UInt64, spanID: UInt64, isSampled: Bool) {
        guard traceHigh | traceLow != 0, spanID != 0 else { return nil }
        self.init(high: traceHigh, low: traceLow, span: spanID, sampled: isSampled)
    }

    private init(
        high: UInt64,
        low: UInt64,
        span: UInt64,
        sampled: Bool,
        company: TraceCompany? = nil
    ) {
        self.traceHigh = high
        self.traceLow = low
        self.spanID = span
        self.isSampled = sampled
        self.company = company
    }

    /// Starts a new trace with random ids.
    public static func root(isSampled: Bool = true) -> TraceContext {
        TraceContext(
            high: TraceIDs.next(),
            low: TraceIDs.next(),
            span: TraceIDs.next(),
            sampled: isSampled
        )
    }

    /// Starts a new trace with random ids, of which this process keeps its spans.
    static func root(_ tracer: Tracer) -> TraceContext {
        let low = TraceIDs.next()
        return TraceContext(
            high: TraceIDs.next(),
            low: low,
            span: TraceIDs.next(),
            sampled: tracer.policy.samples(low),
            company: TraceCompany(nil, tracer)
        )
    }

    /// A new span of the same trace.
    public func child() -> TraceContext { child(with: company) }

    /// A new span of the same trace, of which this process keeps its spans.
    func child(_ tracer: Tracer) -> TraceContext {
        child(with: TraceCompany(state, tracer))
    }

    private func child(with company: TraceCompany?) -> TraceContext {
        TraceContext(
            high: traceHigh,
            low: traceLow,
            span: TraceIDs.next(),
            sampled: isSampled,
            company: company
        )
    }

    /// The trace id as 32 lower-case hexadecimal digits.
    public var traceID: String {
        var bytes: [UInt8] = []
        bytes.append(addingCapacity: 32) { appendTraceID(to: &$0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the trace id to memory that has room for its 32 digits.
    public func appendTraceID(to text: inout OutputSpan<UInt8>) {
        Hex.append(traceHigh, to: &text)
        Hex.append(traceLow, to: &text)
    }

    /// The span id as 16 lower-case hexadecimal digits.
    public var span: String { Hex.string(spanID) }
}

/// What goes along with a trace besides its ids.
final class TraceCompany: Sendable {
    let state: String?
    let tracer: Tracer?

    init(_ state: String?, _ tracer: Tracer?) {
        self.state = state
        self.tracer = tracer
    }
}

extension TraceContext: Hashable {
    /// Whether both stand at the same place of the same trace.
    public static func == (left: TraceContext, right: TraceContext) -> Bool {
        left.traceHigh == right.traceHigh && left.traceLow == right.traceLow
            && left.spanID == right.spanID && left.isSampled == right.isSampled
    }

    /// Feeds the ids to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(traceHigh)
        hasher.combine(traceLow)
        hasher.combine(spanID)
    }
}

extension TraceContext {
    /// The longest `tracestate` that goes on; the standard asks for at least this much (section 3.3.1.5).
    private static let longestState = 512

    /// Reads a `traceparent` header value; `nil` for anything but a valid one (section 3.2).
    ///
    /// Upper-case digits, zero ids and version `ff` are refused. A later version may carry more
    /// after its flags, introduced by `-`; version `00` may not.
    public init?(traceparent: String) {
        guard let context = Self.parse(traceparent.utf8Span.span) else { return nil }
        self = context
    }

    /// Reads a `traceparent` with the `tracestate` that came along.
    ///
    /// A state that is too long or no printable text is left out, as section 4.3 demands, and the trace
    /// goes on without it.
    public init?(traceparent: String, tracestate: String?) {
        guard let context = Self.parse(traceparent.utf8Span.span) else { return nil }
        guard let tracestate, !tracestate.isEmpty, tracestate.utf8.count <= Self.longestState,
            tracestate.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else {
            self = context
            return
        }
        self.init(
            high: context.traceHigh,
            low: context.traceLow,
            span: context.spanID,
            sampled: context.isSampled,
            company: TraceCompany(tracestate, nil)
        )
    }

    /// The `traceparent` header value that makes a callee's span a child of this one.
    public var traceparent: String {
        var bytes: [UInt8] = []
        bytes.append(addingCapacity: 55) { appendTraceparent(to: &$0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the `traceparent` to memory that has room for its 55 characters.
    public func appendTraceparent(to text: inout OutputSpan<UInt8>) {
        text.append(0x30)  // "00-"
        text.append(0x30)
        text.append(0x2D)
        appendTraceID(to: &text)
        text.append(0x2D)
        Hex.append(spanID, to: &text)
        text.append(0x2D)
        text.append(0x30)
        text.append(isSampled ? 0x31 : 0x30)
    }

    private static func parse(_ bytes: Span<UInt8>) -> TraceContext? {
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = Hex.value(bytes, 0..<2), version != 0xFF,
            let high = Hex.value(bytes, 3..<19), let low = Hex.value(bytes, 19..<35),
            let span = Hex.value(bytes, 36..<52), let flags = Hex.value(bytes, 53..<55)
        else { return nil }
        if bytes.count > 55 {
            guard version != 0, bytes[55] == dash else { return nil }
        }
        return TraceContext(
            traceHigh: high,
            traceLow: low,
            spanID: span,
            isSampled: flags & 1 == 1
        )
    }
}

/// Lower-case hexadecimal, as trace ids are written.
enum Hex {
    /// Appends 16 digits.
    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        bytes.append(addingCapacity: 16) { append(value, to: &$0) }
    }

    /// Appends 16 digits to memory that has room for them.
    static func append(_ value: UInt64, to text: inout OutputSpan<UInt8>) {
        var rest = value
        for _ in 0..<16 {
            text.append(digit(UInt8(truncatingIfNeeded: rest >> 60)))
            rest <<= 4
        }
    }

    /// 16 digits.
    static func string(_ value: UInt64) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        append(value, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The digit of a value below 16.
    static func digit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 0x30 + nibble : 0x57 + nibble
    }

    /// The number that at most 16 lower-case digits in `range` spell; `nil` for another character.
    static func value(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
        var result: UInt64 = 0
        for index in range {
            switch bytes[index] {
            case 0x30...0x39: result = result << 4 | UInt64(bytes[index] - 0x30)
            case 0x61...0x66: result = result << 4 | UInt64(bytes[index] - 0x57)
            default: return nil
            }
        }
        return result
    }
}
