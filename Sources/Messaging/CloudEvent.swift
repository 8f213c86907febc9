public import FoundationEssentials
public import HTTP

/// Something that has happened, in the JSON format of CloudEvents 1.0.
///
/// The envelope is everybody's; `data` is read by the consumer that knows its type.
public struct CloudEvent: Sendable, Hashable {
    /// Unique among all events.
    public let id: UUID
    /// The service it happened in, such as `/order`.
    public let source: String
    /// What happened, in the past tense: `order.confirmed`.
    public let type: String
    /// What it happened to, such as an order's id.
    public let subject: String
    /// RFC 3339, by the wall clock of the database; for people, never for ordering.
    public let time: String
    /// Counts the events of one subject up.
    public let sequence: Int64
    /// The hybrid logical clock's reading.
    public let hlc: HybridLogicalClock.Reading
    /// The W3C trace that it happened in, if any.
    public let traceparent: String?
    /// The content.
    public let data: JSONValue

    /// Reads `data` as the type that this event's content has.
    ///
    /// - Throws: `DecodingError` when it has another shape.
    public func content<Content: Decodable>(as type: Content.Type = Content.self) throws -> Content
    {
        try JSON.decode(type, from: JSON.encode(data))
    }
}

extension CloudEvent: Codable {
    private enum CodingKeys: String, CodingKey {
        case specversion, id, source, type, subject, time, datacontenttype, sequence, hlc
        case traceparent, data
    }

    /// Reads the envelope; `data` must be an object or any other JSON value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard try container.decode(String.self, forKey: .specversion) == "1.0" else {
            throw DecodingError.dataCorruptedError(
                forKey: .specversion,
                in: container,
                debugDescription: "expected version 1.0"
            )
        }
        id = try container.decode(UUID.self, forKey: .id)
        source = try container.decode(String.self, forKey: .source)
        type = try container.decode(String.self, forKey: .type)
        subject = try container.decode(String.self, forKey: .subject)
        time = try container.decode(String.self, forKey: .time)
        // The sequence extension of CloudEvents is a string.
        let counted = try container.decode(String.self, forKey: .sequence)
        let reading = try container.decode(String.self, forKey: .hlc)
        guard let sequence = Int64(counted), let hlc = Int64(reading) else {
            throw DecodingError.dataCorruptedError(
                forKey: .sequence,
                in: container,
                debugDescription: "expected whole numbers"
            )
        }
        self.sequence = sequence
        self.hlc = hlc
        traceparent = try container.decodeIfPresent(String.self, forKey: .traceparent)
        data = try container.decode(JSONValue.self, forKey: .data)
    }

    /// Writes the envelope.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode("1.0", forKey: .specversion)
        try container.encode(id.uuidString.lowercased(), forKey: .id)
        try container.encode(source, forKey: .source)
        try container.encode(type, forKey: .type)
        try container.encode(subject, forKey: .subject)
        try container.encode(time, forKey: .time)
        try container.encode("application/json", forKey: .datacontenttype)
        try container.encode("\(sequence)", forKey: .sequence)
        try container.encode("\(hlc)", forKey: .hlc)
        try container.encodeIfPresent(traceparent, forKey: .traceparent)
        try container.encode(data, forKey: .data)
    }
}
