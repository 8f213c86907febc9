internal import Contracts
public import FoundationEssentials
internal import HTTP
public import Postgres
internal import Reactor
internal import Synchronization
internal import Telemetry

/// Where a service writes down what has happened, in the transaction that makes it happen.
public final class Outbox: Sendable {
    /// The most bytes of an event's content.
    public static let maxContent = 256 << 10

    private let clock = Mutex(HybridLogicalClock())

    /// Makes the outbox of this process.
    public init() {}

    /// The statement that appends an event; run it with the change that it tells of.
    ///
    /// - Parameters:
    ///   - type: what has happened, in the past tense: `order.confirmed`.
    ///   - subject: what it happened to.
    ///   - sequence: counts the events of this subject up.
    ///   - data: the content.
    /// - Throws: `.decoding` when the content cannot be written as JSON, or is too long.
    public func publish(
        _ type: String,
        subject: String,
        sequence: Int64,
        data: some Encodable & Sendable
    ) throws(DatabaseError) -> InsertEvent {
        let text: String
        do {
            text = String(decoding: try JSON.encode(data), as: UTF8.self)
        } catch {
            throw .decoding("the content of \(type) is not JSON")
        }
        guard text.utf8.count <= Self.maxContent else {
            throw .decoding("the content of \(type) is longer than \(Self.maxContent) bytes")
        }
        return InsertEvent(
            eventID: UUIDv7.next(),
            type: type,
            subject: subject,
            sequence: sequence,
            hlc: clock.withLock { $0.tick(wall: Self.wallMilliseconds()) },
            traceparent: TraceContext.current?.traceparent,
            data: text
        )
    }

    /// Takes in the clock reading of an event that was received.
    func receive(_ reading: HybridLogicalClock.Reading) {
        _ = clock.withLock { $0.receive(reading, wall: Self.wallMilliseconds()) }
    }

    private static func wallMilliseconds() -> Int64 { ProcessClock.milliseconds }
}

/// Appends an event to the outbox.
public struct InsertEvent: Statement {
    /// The writing transaction's id fills itself in.
    public static let sql = """
        INSERT INTO outbox (event_id, type, subject, sequence, hlc, traceparent, data)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """
    /// Unique among all events.
    public let eventID: UUID
    /// What has happened, in the past tense.
    public let type: String
    /// What it happened to.
    public let subject: String
    /// Counts the events of the subject up.
    public let sequence: Int64
    /// The reading of the hybrid logical clock.
    public let hlc: Int64
    /// The W3C trace that it happened in, if any.
    public let traceparent: String?
    /// The content, as JSON text.
    public let data: String

    /// Binds the event.
    public func bind(_ parameters: inout Parameters) {
        parameters.append(eventID, type, subject, sequence, hlc, traceparent, data)
    }
}
