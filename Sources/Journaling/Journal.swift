internal import Reactor
internal import Synchronization

/// Entries on the local disk, for what must not be forgotten while there is no better place for it.
///
/// An entry is stored once the disk has confirmed it; entries that wait at the same time share one
/// fsync. It stays until it is removed. When the last one is removed the file is emptied; when most of
/// a large file is settled, what is not is written anew. A process
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
        /// How large the file beside it is.
        var keptBytes: Int
        /// From which size on the two are looked at again.
        var nextLook = 0
        /// How often the disk was asked to confirm.
        var flushes = 0
        /// Numbers and sizes.
        var live: [UInt64: Int]

        var bytes: Int { end + keptBytes }
    }

    /// The most pieces of work that wait for the disk.
    private static let maxWaiting = 4096

    /// The least size at which settled entries are got rid of while others remain.
    private static let leastWorthwhile = 1 << 20

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
            let (keptBytes, bytes) = (try file.readKept(), try file.read())
            let (kept, scan) = (RecordFormat.scan(keptBytes), RecordFormat.scan(bytes))
            // The next record begins where the last whole one ends.
            if scan.end < bytes.count { try file.truncate(to: scan.end) }
            let records = kept.records + scan.records
            found = Self.entries(records)
            // The file beside it was never half written: what is missing there is damage.
            let damaged = scan.damagedBytes + kept.damagedBytes + keptBytes.count - kept.end
            lostBytes = damaged + bytes.count - scan.end
            isDamaged = damaged > 0
            state = Mutex(
                State(
                    nextNumber: (records.map(\.number).max() ?? 0) + 1,
                    end: scan.end,
                    keptBytes: keptBytes.count,
                    live: Dictionary(
                        uniqueKeysWithValues: found.map {
                            ($0.number, RecordFormat.headerSize + $0.payload.count)
                        }
                    )
                )
            )
        } catch {
            file.release()
            throw .unusable("\(error)")
        }
    }

    /// The entries that were not removed, each once.
    static func entries(_ records: [Record]) -> [Entry] {
        var passed = Set(records.filter { $0.kind == .removal }.map(\.number))
        return records.filter { $0.kind == .entry && passed.insert($0.number).inserted }
            .map { Entry(number: $0.number, payload: $0.payload) }
    }

    /// How many entries are stored or about to be.
    public var depth: Int { state.withLock { $0.live.count } }

    /// How large the file is, with the one beside it.
    public var bytes: Int { state.withLock { $0.bytes } }

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
                state.bytes + state.waitingBytes + size <= maxBytes
            else { return false }
            let record = Record(kind: .entry, number: state.nextNumber, payload: payload)
            state.nextNumber += 1
            state.waitingBytes += size
            state.live[record.number] = size
            state.waiting.append(.append(record, completion))
            return true
        }
        guard isWaiting else { return completion(.failure(.full)) }
        ring.yield()
    }

    /// Forgets an entry, soon.
    public func remove(_ number: UInt64) {
        state.withLock { state in
            guard state.live.removeValue(forKey: number) != nil else { return }
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
                // This one first: the other holds the removals of what is in it.
                try file.dropKept()
                try file.truncate(to: 0)
                state.withLock { state in
                    state.end = 0
                    state.keptBytes = 0
                    state.nextLook = 0
                }
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
        compact()
    }

    /// Gets rid of settled entries while others remain, when most of what lies here is settled.
    ///
    /// What remains goes into the file beside this one, and then this one is emptied. A process that dies in
    /// between leaves entries in both, which count once. Where the disk has no room for that, everything
    /// stays as it is.
    private func compact() {
        let least = min(Self.leastWorthwhile, maxBytes / 4)
        let live = state.withLock { state -> Set<UInt64>? in
            guard state.bytes >= max(least, state.nextLook), !state.live.isEmpty else { return nil }
            state.nextLook = state.bytes + least
            return state.live.values.reduce(0, +) * 4 <= state.bytes ? Set(state.live.keys) : nil
        }
        guard let live else { return }
        do throws(JournalError) {
            let records = try [file.readKept(), file.read()].flatMap {
                RecordFormat.scan($0).records
            }
            let remaining = Self.entries(records).filter { live.contains($0.number) }
            let bytes = remaining.flatMap { entry in
                RecordFormat.bytes(
                    Record(kind: .entry, number: entry.number, payload: entry.payload)
                )
            }
            try file.keep(bytes)
            state.withLock { $0.keptBytes = bytes.count }
            try file.truncate(to: 0)
            state.withLock { state in
                state.end = 0
                state.nextLook = 0
            }
        } catch {
            // It is looked at again when it has grown by as much once more.
        }
    }

    private func settle(_ work: [Work], _ error: JournalError?) {
        for case .append(let record, let completion) in work {
            state.withLock { state in
                state.waitingBytes -= RecordFormat.headerSize + record.payload.count
                if error != nil { state.live[record.number] = nil }
            }
            if let error {
                completion(.failure(error))
            } else {
                completion(.success(record.number))
            }
        }
    }
}
