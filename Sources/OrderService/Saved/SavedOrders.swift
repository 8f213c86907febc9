internal import Contracts
internal import HTTP
internal import Journaling
internal import Reactor
internal import Synchronization
internal import Telemetry

/// The orders that wait in this replica's journal, found by key and by id.
final class SavedOrders: Sendable {
    /// How long the disk may take to confirm.
    private static let patience = Duration.seconds(5)

    /// Who asked, and under which name.
    private struct Ask: Hashable {
        let customer: UserID
        let key: IdempotencyKey

        init(_ saved: SavedOrder) {
            self.init(customer: saved.order.customer, key: saved.key)
        }

        init(customer: UserID, key: IdempotencyKey) {
            self.customer = customer
            self.key = key
        }
    }

    private struct Waiting {
        let saved: SavedOrder
        /// The entry's number once the disk has confirmed it.
        let stored: OneShot<Result<UInt64, JournalError>>
    }

    private struct Index {
        var byAsk: [Ask: Waiting] = [:]
        var byID: [OrderID: Ask] = [:]
    }

    let journal: Journal
    private let index = Mutex(Index())
    private let log: Logger
    private let measures: SavedOrderMeasures

    /// Takes over what the journal holds from before a restart.
    init(_ journal: Journal, log: Logger, measures: SavedOrderMeasures) {
        self.journal = journal
        self.log = log
        self.measures = measures
        let read = Self.read(journal, log, measures)
        index.withLock { index in
            for (number, saved) in read {
                // Twice there: one of them is enough.
                if index.byAsk[Ask(saved)]?.saved == saved {
                    journal.remove(number)
                    continue
                }
                let stored = OneShot<Result<UInt64, JournalError>>()
                stored.resolve(.success(number))
                index.byAsk[Ask(saved)] = Waiting(saved: saved, stored: stored)
                index.byID[saved.order.id] = Ask(saved)
            }
        }
    }

    /// The orders a journal held when it was opened; what cannot be read is told and stays in the file.
    static func read(
        _ journal: Journal,
        _ log: Logger,
        _ measures: SavedOrderMeasures
    ) -> [(number: UInt64, saved: SavedOrder)] {
        if journal.lostBytes > 0 {
            measures.lostBytes.increment(by: journal.lostBytes)
            log.log(
                journal.isDamaged ? .error : .warning,
                journal.isDamaged
                    ? "the order journal is damaged; what could be read is kept"
                    : "the order journal's last record was not finished",
                ["bytes": .int(journal.lostBytes), "orders": .int(journal.found.count)]
            )
        }
        return journal.found.compactMap { entry in
            if let saved = try? JSON.decode(SavedOrder.self, from: entry.payload) {
                return (entry.number, saved)
            }
            measures.unreadable.increment()
            log.error(
                "an entry of the order journal is no order",
                ["entry": .int(Int(entry.number))]
            )
            return nil
        }
    }

    // MARK: Finding

    /// What a key has led to here, if the disk has confirmed it.
    func find(_ customer: UserID, _ key: IdempotencyKey) -> SavedOrder? {
        index.withLock { Self.confirmed($0.byAsk[Ask(customer: customer, key: key)]) }
    }

    /// The order of this id, if it waits here.
    func find(_ id: OrderID) -> SavedOrder? {
        index.withLock { index in
            index.byID[id].flatMap { Self.confirmed(index.byAsk[$0]) }
        }
    }

    private static func confirmed(_ waiting: Waiting?) -> SavedOrder? {
        guard let waiting, case .success = waiting.stored.value else { return nil }
        return waiting.saved
    }

    /// All that wait, in no particular order.
    var all: [SavedOrder] {
        index.withLock { $0.byAsk.values.compactMap { Self.confirmed($0) } }
    }

    // MARK: Changing

    /// Saves an order; returns once the disk has confirmed it.
    ///
    /// - Returns: the order that waits under the key, and whether this call brought it: two checkouts of
    ///   one instant are alike to the last field.
    /// - Throws: 503 when it cannot be stored, or when that is not known.
    func save(_ order: SavedOrder) async throws(Problem) -> (saved: SavedOrder, isFirst: Bool) {
        let ask = Ask(order)
        let (waiting, isFirst) = index.withLock { index in
            if let known = index.byAsk[ask] { return (known, false) }
            let waiting = Waiting(saved: order, stored: OneShot())
            index.byAsk[ask] = waiting
            index.byID[order.order.id] = ask
            return (waiting, true)
        }
        if isFirst { store(waiting) }
        switch await waiting.stored.wait(until: .after(Self.patience)) {
        case .success:
            return (waiting.saved, isFirst)
        case .failure(let error):
            throw Self.problem(error)
        case nil:
            throw Self.problem(.outcomeUnknown)
        }
    }

    private func store(_ waiting: Waiting) {
        // An order consists of text and whole numbers, which always encode.
        let payload = (try? JSON.encode(waiting.saved)) ?? []
        journal.append(payload) { result in
            switch result {
            case .success:
                self.measures.saved.increment()
                self.log.warning(
                    "order saved to the journal",
                    ["id": .string(waiting.saved.order.id.description)]
                )
            case .failure(let error):
                self.drop(waiting.saved)
                self.measures.unsaved.increment()
                self.log.error("an order could not be saved", ["error": .string("\(error)")])
            }
            waiting.stored.resolve(result)
        }
    }

    /// Forgets an order that is settled.
    func forget(_ saved: SavedOrder) {
        if case .success(let number) = drop(saved)?.stored.value { journal.remove(number) }
    }

    @discardableResult
    private func drop(_ saved: SavedOrder) -> Waiting? {
        index.withLock { index in
            index.byID[saved.order.id] = nil
            return index.byAsk.removeValue(forKey: Ask(saved))
        }
    }

    private static func problem(_ error: JournalError) -> Problem {
        var problem: Problem
        switch error {
        case .outcomeUnknown:
            problem = Problem(
                .serviceUnavailable,
                "outcome-unknown",
                detail: "it is not known whether the order was saved; ask again with the same key",
                headers: [.retryAfter: "1"]
            )
        case .full, .refused, .unusable:
            problem = .unavailable(
                "orders can neither be placed nor saved at the moment; nothing was stored",
                retryAfter: .seconds(5)
            )
        }
        problem.cause = "\(error)"
        return problem
    }
}

/// What saved orders tell the outside about themselves.
struct SavedOrderMeasures: Sendable {
    let saved: Counter
    let unsaved: Counter
    let replays: Family<Counter>
    let unreadable: Counter
    let lostBytes: Counter

    init(_ metrics: Metrics) {
        saved = metrics.counter("order_journal_saved_total", "Orders saved to the journal.")
        unsaved = metrics.counter(
            "order_journal_refused_total",
            "Orders that the journal had no room for or the disk refused."
        )
        replays = metrics.counters(
            "order_journal_replays_total",
            "Tries to place saved orders by outcome.",
            labels: ["outcome"]
        )
        unreadable = metrics.counter(
            "order_journal_unreadable_total",
            "Entries of the journal that are no orders; they stay in the file."
        )
        lostBytes = metrics.counter(
            "order_journal_lost_bytes_total",
            "Bytes of the journal in no whole record: an unfinished write, or damage."
        )
    }

    /// Shows how full the journal is.
    func show(_ journal: Journal, in metrics: Metrics) {
        metrics.collect("order_journal_depth", "Orders in the journal.") {
            [Sample([], Double(journal.depth))]
        }
        metrics.collect("order_journal_bytes", "Size of the journal's file.") {
            [Sample([], Double(journal.bytes))]
        }
    }
}
