internal import Telemetry

/// `ExportTraceServiceRequest` of OTLP in the JSON mapping that OTLP lays down: ids in hexadecimal,
/// 64-bit numbers as text, enums as numbers, names in lower camel case.
struct OTLPRequest: Encodable, Sendable {
    let resourceSpans: [OTLPResourceSpans]
}

/// `ResourceSpans`: the spans of one process.
struct OTLPResourceSpans: Encodable, Sendable {
    let resource: OTLPResource
    let scopeSpans: [OTLPScopeSpans]
}

/// `Resource`: who made the spans.
struct OTLPResource: Encodable, Sendable {
    let attributes: [OTLPKeyValue]
}

/// `ScopeSpans`: the spans of one instrumentation.
struct OTLPScopeSpans: Encodable, Sendable {
    let scope: OTLPScope
    let spans: [OTLPSpan]
}

/// `InstrumentationScope`.
struct OTLPScope: Encodable, Sendable {
    let name: String
}

/// `Span`.
struct OTLPSpan: Encodable, Sendable {
    /// `SpanFlags`: whether the parent is remote is not known, so only the trace flags are told.
    let flags: UInt32
    let traceId: String
    let spanId: String
    /// Left out for a trace's first span.
    let parentSpanId: String?
    let name: String
    let kind: Int
    let startTimeUnixNano: String
    let endTimeUnixNano: String
    let attributes: [OTLPKeyValue]
    let status: OTLPStatus

    init(_ span: TraceSpan, _ clock: SpanClock) {
        flags = 1
        traceId = TraceText.hex(span.traceHigh) + TraceText.hex(span.traceLow)
        spanId = TraceText.hex(span.id)
        parentSpanId = span.parent == 0 ? nil : TraceText.hex(span.parent)
        name = span.name.text
        kind =
            switch span.kind {
            case .internal: 1
            case .server: 2
            case .client: 3
            case .consumer: 5
            }
        startTimeUnixNano = String(clock.unixNanoseconds(span.start))
        endTimeUnixNano = String(clock.unixNanoseconds(max(span.start, span.end)))
        attributes = span.detail.attributes.map {
            OTLPKeyValue(key: $0.key, value: .init($0.value))
        }
        status = OTLPStatus(code: span.failure == nil ? 0 : 2, message: span.failure)
    }
}

/// `Status`: unset is 0, error 2.
struct OTLPStatus: Encodable, Sendable {
    let code: Int
    let message: String?
}

/// `KeyValue`.
struct OTLPKeyValue: Encodable, Sendable {
    let key: String
    let value: OTLPValue
}

/// `AnyValue`: exactly one of its members.
struct OTLPValue: Encodable, Sendable {
    let stringValue: String?
    let intValue: String?

    init(_ value: SpanValue) {
        switch value {
        case .text(let text): (stringValue, intValue) = (text, nil)
        case .number(let number): (stringValue, intValue) = (nil, String(number))
        }
    }
}

extension OTLPRequest {
    /// The spans of one process.
    init(_ spans: [TraceSpan], service: String, instance: String, _ clock: SpanClock) {
        let attributes = [
            OTLPKeyValue(key: "service.name", value: .init(.text(service))),
            OTLPKeyValue(key: "service.namespace", value: .init(.text("anyway"))),
            OTLPKeyValue(key: "service.instance.id", value: .init(.text(instance))),
        ]
        let scope = OTLPScopeSpans(
            scope: OTLPScope(name: "anyway"),
            spans: spans.map { OTLPSpan($0, clock) }
        )
        resourceSpans = [
            OTLPResourceSpans(resource: OTLPResource(attributes: attributes), scopeSpans: [scope])
        ]
    }
}
