internal import Reactor
internal import Synchronization

/// Entries on the local disk, for what must not be forgotten while there is no better place for it.
///
/// An entry is stored once the disk has confirmed it; entries that wait at the same time share one
/// fsync. It stays until it is removed. When the last one is removed the file is emptied. A process
/// may die at any instant: an entry it had acknowledged is there again, one it had not may be, and
/// one that was removed may come back, so whoever settles entries must be able to do it twice.
public final class Journal: Sendable {
    /// An entry as it was stored.
    public struct Entry: Sendable, Hashable {
        /// What it is removed by.
        public let number: UInt64
        /// UTF-8 text.
        public let payload: [UInt8]
    }

    /// Called once, with the entry's number when it is stored.
    public typealias Completion = @Sendable (Result<UInt64, JournalError>) -> Void

    private enum Work: Sendable {
        case append(Record, Completion)
        case remove(UInt64)
    }

    private struct State {
        var waiting: [Work] = []
        /// Of the entries that are not settled yet.
        var waitingBytes = 0
        var nextNumber: UInt64
        /// Where the file ends.
        var end: Int
        /// How often the disk was asked to confirm.
        var flushes = 0
        var live: Set<UInt64>
    }

    /// The most pieces of work that wait for the disk.
    private static let maxWaiting = 4096

    private let file: JournalFile
    private let maxBytes: Int
    private let state: Mutex<State>
    private let bell: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation
    /// What the file held when it was opened, in the order it was stored.
    public let found: [Entry]
    /// Bytes of the file that belong to no whole record: the end of an interrupted write, or damage.
    public let lostBytes: Int
    /// Whether more than an interrupted last write is lost.
    public let isDamaged: Bool

    /// Takes the first free journal of the folder and reads it; blocks.
    ///
    /// - Parameter maxBytes: how large the file may become.
    /// - Throws: `.unusable` when the folder cannot be made, read or written.
    public convenience init(in folder: JournalFolder, maxBytes: Int) throws(JournalError) {
        try self.init(try folder.takeOwn(), maxBytes: maxBytes)
    }

    /// Takes a journal that another process left behind.
    ///
    /// Blocks. Nil when there is none.
    public convenience init?(
        abandonedIn folder: JournalFolder,
        maxBytes: Int
    ) throws(JournalError) {
        guard let file = folder.takeAbandoned() else { return nil }
        try self.init(file, maxBytes: maxBytes)
    }

    init(_ file: JournalFile, maxBytes: Int) throws(JournalError) {
        self.file = file
        self.maxBytes = maxBytes
        (bell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        do throws(JournalError) {
            let bytes = try file.read()
            let scan = RecordFormat.scan(bytes)
            // The next record begins where the last whole one ends.
            if scan.end < bytes.count { try file.truncate(to: scan.end) }
            found = Self.entries(scan.records)
            lostBytes = scan.damagedBytes + bytes.count - scan.end
            isDamaged = scan.damagedBytes > 0
            state = Mutex(
                State(
                    nextNumber: (scan.records.map(\.number).max() ?? 0) + 1,
                    end: scan.end,
                    live: Set(found.map(\.number))
                )
            )
        } catch {
            file.release()
            throw .unusable("\(error)")
        }
    }

    /// The entries that were not removed.
    static func entries(_ records: [Record]) -> [Entry] {
        let removed = Set(records.filter { $0.kind == .removal }.map(\.number))
        return records.filter { $0.kind == .entry && !removed.contains($0.number) }
            .map { Entry(number: $0.number, payload: $0.payload) }
    }

    /// How many entries are stored or about to be.
    public var depth: Int { state.withLock { $0.live.count } }

    /// How large the file is.
    public var bytes: Int { state.withLock { $0.end } }

    /// How often the disk has confirmed something.
    var flushes: Int { state.withLock { $0.flushes } }

    // MARK: Changing

    /// Stores an entry; `completion` is called when the disk has confirmed or refused it.
    ///
    /// - Parameter payload: UTF-8 text of at most a mebibyte.
    public func append(_ payload: [UInt8], _ completion: @escaping Completion) {
        let isWaiting = state.withLock { state in
            let size = RecordFormat.headerSize + payload.count
            guard payload.count <= RecordFormat.maxPayload,
                state.waiting.count < Self.maxWaiting,
                state.end + state.waitingBytes + size <= maxBytes
            else { return false }
            let record = Record(kind: .entry, number: state.nextNumber, payload: payload)
            state.nextNumber += 1
            state.waitingBytes += size
            state.live.insert(record.number)
            state.waiting.append(.append(record, completion))
            return true
        }
        guard isWaiting else { return completion(.failure(.full)) }
        ring.yield()
    }

    /// Forgets an entry, soon.
    public func remove(_ number: UInt64) {
        state.withLock { state in
            guard state.live.remove(number) != nil else { return }
            state.waiting.append(.remove(number))
        }
        ring.yield()
    }

    /// Does the writing until the task is cancelled, and then what is left of it.
    public func run() async {
        for await _ in bell { await flush() }
        // The task is cancelled; what is waiting still gets its answer.
        await flush()
    }

    /// Writes what is waiting, lets the file go, and leaves it for whoever takes it next.
    public func close() async {
        await flush()
        file.release()
    }

    /// Writes until nothing is waiting; only one task may be in here at a time.
    func flush() async {
        while true {
            let work = state.withLock { state in
                let work = state.waiting
                state.waiting = []
                return work
            }
            guard !work.isEmpty else { return }
            do throws(SocketError) {
                try await BlockingPool.shared.run { self.write(work) }
            } catch {
                settle(work, .refused("no thread is free to write: \(error)"))
            }
        }
    }

    /// Blocks; one call at a time, because only `flush` makes it.
    private func write(_ work: [Work]) {
        var bytes: [UInt8] = []
        var syncs = false
        for piece in work {
            switch piece {
            case .append(let record, _):
                bytes += RecordFormat.bytes(record)
                syncs = true
            case .remove(let number):
                let removal = Record(kind: .removal, number: number, payload: [])
                bytes += RecordFormat.bytes(removal)
            }
        }
        let (end, isEmpty) = state.withLock { ($0.end, $0.live.isEmpty) }
        do throws(JournalError) {
            if isEmpty, !syncs {
                try file.truncate(to: 0)
                state.withLock { $0.end = 0 }
            } else {
                try file.append(bytes, at: end, syncs: syncs)
                state.withLock { state in
                    state.end += bytes.count
                    state.flushes += syncs ? 1 : 0
                }
            }
            settle(work, nil)
        } catch {
            settle(work, error)
        }
    }

    private func settle(_ work: [Work], _ error: JournalError?) {
        for case .append(let record, let completion) in work {
            state.withLock { state in
                state.waitingBytes -= RecordFormat.headerSize + record.payload.count
                if error != nil { state.live.remove(record.number) }
            }
            if let error {
                completion(.failure(error))
            } else {
                completion(.success(record.number))
            }
        }
    }
}
