import HTTP

/// The messages of OTLP's traces, as opentelemetry-proto v1.11 publishes them: each field's name and
/// type, in the order of `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`,
/// `common/v1/common.proto` and `resource/v1/resource.proto`.
enum OTLPSchema {
    indirect enum Kind: Sendable {
        case string, bool, double
        /// A 32-bit number: a JSON number.
        case int32, uint32, fixed32
        /// A 64-bit number: decimal text in JSON.
        case int64, fixed64
        /// Base64 in JSON.
        case bytes
        /// OTLP/JSON differs from protobuf's mapping here: hexadecimal, so many bytes.
        case id(bytes: Int)
        /// OTLP/JSON wants the number, never the name.
        case enumeration(ClosedRange<Int>)
        case message(String)
        case repeated(Kind)
    }

    static let messages: [String: [String: Kind]] = [
        "ExportTraceServiceRequest": ["resource_spans": .repeated(.message("ResourceSpans"))],
        "ResourceSpans": [
            "resource": .message("Resource"), "scope_spans": .repeated(.message("ScopeSpans")),
            "schema_url": .string,
        ],
        "Resource": [
            "attributes": .repeated(.message("KeyValue")), "dropped_attributes_count": .uint32,
            "entity_refs": .repeated(.message("EntityRef")),
        ],
        "EntityRef": [
            "schema_url": .string, "type": .string, "id_keys": .repeated(.string),
            "description_keys": .repeated(.string),
        ],
        "ScopeSpans": [
            "scope": .message("InstrumentationScope"), "spans": .repeated(.message("Span")),
            "schema_url": .string,
        ],
        "InstrumentationScope": [
            "name": .string, "version": .string, "attributes": .repeated(.message("KeyValue")),
            "dropped_attributes_count": .uint32,
        ],
        "Span": [
            "trace_id": .id(bytes: 16), "span_id": .id(bytes: 8), "trace_state": .string,
            "parent_span_id": .id(bytes: 8), "flags": .fixed32, "name": .string,
            "kind": .enumeration(0...5), "start_time_unix_nano": .fixed64,
            "end_time_unix_nano": .fixed64, "attributes": .repeated(.message("KeyValue")),
            "dropped_attributes_count": .uint32, "events": .repeated(.message("Event")),
            "dropped_events_count": .uint32, "links": .repeated(.message("Link")),
            "dropped_links_count": .uint32, "status": .message("Status"),
        ],
        "Event": [
            "time_unix_nano": .fixed64, "name": .string,
            "attributes": .repeated(.message("KeyValue")), "dropped_attributes_count": .uint32,
        ],
        "Link": [
            "trace_id": .id(bytes: 16), "span_id": .id(bytes: 8), "trace_state": .string,
            "attributes": .repeated(.message("KeyValue")), "dropped_attributes_count": .uint32,
            "flags": .fixed32,
        ],
        "Status": ["message": .string, "code": .enumeration(0...2)],
        "KeyValue": ["key": .string, "value": .message("AnyValue"), "key_strindex": .int32],
        "AnyValue": [
            "string_value": .string, "bool_value": .bool, "int_value": .int64,
            "double_value": .double, "array_value": .message("ArrayValue"),
            "kvlist_value": .message("KeyValueList"), "bytes_value": .bytes,
            "string_value_strindex": .int32,
        ],
        "ArrayValue": ["values": .repeated(.message("AnyValue"))],
        "KeyValueList": ["values": .repeated(.message("KeyValue"))],
    ]

    /// Fields of which a message has at most one: they are one `oneof`.
    static let oneof: Set<String> = ["AnyValue"]

    /// What is wrong with a JSON text's value as a message; empty when nothing is.
    static func faults(_ value: JSONValue, as message: String, at path: String = "") -> [String] {
        guard case .object(let members) = value else { return ["\(path): no object"] }
        guard let fields = messages[message] else { return ["\(path): no message \(message)"] }
        let byJSON = Dictionary(fields.map { (camel($0.key), $0.value) }) { first, _ in first }
        var faults: [String] = []
        if oneof.contains(message), members.count != 1 {
            faults.append("\(path): \(members.count) members of a oneof")
        }
        for (name, value) in members {
            guard let kind = byJSON[name] else {
                faults.append("\(path)/\(name): \(message) has no such field")
                continue
            }
            faults += Self.faults(value, as: kind, at: "\(path)/\(name)")
        }
        return faults
    }

    private static func faults(_ value: JSONValue, as kind: Kind, at path: String) -> [String] {
        let isRight: Bool
        switch (kind, value) {
        case (.message(let name), _): return faults(value, as: name, at: path)
        case (.repeated(let element), .array(let values)):
            return values.enumerated().flatMap {
                faults($0.element, as: element, at: "\(path)/\($0.offset)")
            }
        case (.id(let bytes), .string(let text)):
            isRight =
                text.utf8.count == bytes * 2 && text.allSatisfy(\.isHexDigit)
                && text.contains { $0 != "0" }
        case (.int64, .string(let text)): isRight = Int64(text) != nil
        case (.fixed64, .string(let text)): isRight = UInt64(text) != nil
        case (.enumeration(let range), .integer(let number)):
            isRight = range.contains(Int(number))
        case (.uint32, .integer(let number)), (.fixed32, .integer(let number)):
            isRight = UInt32(exactly: number) != nil
        case (.int32, .integer(let number)): isRight = Int32(exactly: number) != nil
        case (.string, .string), (.bytes, .string), (.bool, .bool), (.double, .number),
            (.double, .integer):
            isRight = true
        default: isRight = false
        }
        return isRight ? [] : ["\(path): \(value) is no \(kind)"]
    }

    /// A field's name in JSON.
    private static func camel(_ name: String) -> String {
        let words = name.split(separator: "_")
        return words.prefix(1).joined() + words.dropFirst().map(\.capitalized).joined()
    }
}

extension Substring {
    fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
