public import FoundationEssentials
internal import Postgres

/// A saga that has not ended, as people look at it; encodes as operators see it.
public struct PendingSaga: Sendable, Encodable {
    /// What makes a saga stand still.
    public enum Standstill: String, Sendable, Encodable {
        /// A participant has not answered for many tries in a row; the saga asks on, at its slowest.
        case noAnswer = "no-answer"
        /// It waits for a driver for much longer than a lease: no process that runs knows its kind
        /// and version, or all of them are full.
        case noDriver = "no-driver"
    }

    /// What it is about, and so what it is called: an order's id.
    public let id: UUID
    /// Which saga: `place-order`.
    public let kind: String
    /// With which version of its steps it began.
    public let version: Int32
    /// `running`, `compensating` or `finishing`.
    public let phase: String
    /// Why it stands still; nil while it moves.
    public let stuck: Standstill?
    /// How often in a row there was no answer.
    public let attempts: Int
    /// What the last try without an answer ran into.
    public let lastError: String?
    /// Why it is being undone.
    public let reason: String?
    /// Who drives it, or did: `order.2`.
    public let driver: String
    /// How many times it had changed drivers, and 1.
    public let epoch: Int64
    /// When its driver's lease ends; for one that waits, when it is taken up again.
    public let nextAt: Date
    /// By when it must have reached its pivot.
    public let deadline: Date
    /// When it began.
    public let startedAt: Date

    enum CodingKeys: String, CodingKey {
        case id, kind, version, phase, stuck, attempts, reason, driver, epoch, deadline
        case lastError = "last_error"
        case nextAt = "next_at"
        case startedAt = "started_at"
    }

    /// Writes ids as canonical text, and what is not known as null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id.text, forKey: .id)
        try container.encode(kind, forKey: .kind)
        try container.encode(version, forKey: .version)
        try container.encode(phase, forKey: .phase)
        try container.encode(stuck, forKey: .stuck)
        try container.encode(attempts, forKey: .attempts)
        try container.encode(lastError, forKey: .lastError)
        try container.encode(reason, forKey: .reason)
        try container.encode(driver, forKey: .driver)
        try container.encode(epoch, forKey: .epoch)
        try container.encode(nextAt, forKey: .nextAt)
        try container.encode(deadline, forKey: .deadline)
        try container.encode(startedAt, forKey: .startedAt)
    }
}

extension PendingSaga {
    /// The tries in a row without an answer after which a saga counts as stuck: with the pauses between
    /// them, about ten seconds.
    static let stuckAttempts = 8
    /// How long a saga waits for a driver before it counts as stuck.
    static let stuckWait = "30 seconds"

    /// `stuck` in SQL.
    static let standstill = """
        CASE WHEN attempts >= \(stuckAttempts) THEN 'no-answer'
             WHEN next_at < clock_timestamp() - interval '\(stuckWait)' THEN 'no-driver' END
        """

    /// The columns in the order they are read.
    static let columns = """
        saga_id, kind, version, phase, \(standstill), attempts, last_error, reason,
        split_part(driver, '#', 1), epoch, next_at, deadline, started_at
        """

    init(_ row: borrowing Row) throws(DatabaseError) {
        let standstill: String? = try row[4]
        let attempts: Int32 = try row[5]
        self.attempts = Int(attempts)
        id = try row[0]
        kind = try row[1]
        version = try row[2]
        phase = try row[3]
        stuck = standstill.flatMap(Standstill.init)
        lastError = try row[6]
        reason = try row[7]
        driver = try row[8]
        epoch = try row[9]
        nextAt = try row[10]
        deadline = try row[11]
        startedAt = try row[12]
    }
}
