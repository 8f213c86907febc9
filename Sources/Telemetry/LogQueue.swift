/// What waits for the writer thread: bytes up to a limit, and how many lines found no room.
///
/// A pure value; ``LogSink`` guards it with a mutex and does the writing.
struct LogQueue {
    /// Bytes that may wait; a line that would exceed them is dropped.
    let limit: Int
    private var pending: [UInt8] = []
    private var dropped = 0
    private var isWriting = false
    /// Whose line was dropped last: the process that reports it.
    var origin = (service: "", instance: "")
    private(set) var isClosed = false

    init(limit: Int) { self.limit = limit }

    /// What the caller of ``add(_:)`` has to do.
    enum Added: Equatable {
        /// The writer sleeps: wake it.
        case wake
        /// The writer is busy and will look again.
        case queued
        /// The line was dropped and counted.
        case dropped
    }

    /// What the writer has to do.
    enum Work: Equatable {
        /// Write these, then ask again; `dropped` lines were lost before them.
        case write([UInt8], dropped: Int)
        /// Sleep until woken.
        case sleep
        /// Nothing will come any more.
        case stop
    }

    /// Whether everything added has been handed over and written.
    var isDrained: Bool { pending.isEmpty && dropped == 0 && !isWriting }

    /// Takes in a line.
    mutating func add(_ line: [UInt8]) -> Added {
        guard !isClosed, pending.count + line.count <= limit else {
            dropped += 1
            return .dropped
        }
        let wasIdle = pending.isEmpty && !isWriting
        pending.append(contentsOf: line)
        return wasIdle ? .wake : .queued
    }

    /// Hands the writer what waits; it asks again after each write.
    mutating func next() -> Work {
        guard !pending.isEmpty || dropped > 0 else {
            isWriting = false
            return isClosed ? .stop : .sleep
        }
        let batch = pending
        let lost = dropped
        pending = []
        // As many will come while these are written: better made room for once than bit by bit.
        pending.reserveCapacity(batch.count)
        dropped = 0
        isWriting = true
        return .write(batch, dropped: lost)
    }

    /// Counts lines that could not be written although they had been handed over.
    mutating func lose(_ lines: Int) { dropped += lines }

    /// Refuses further lines; the writer stops once the rest is written.
    mutating func close() { isClosed = true }
}
