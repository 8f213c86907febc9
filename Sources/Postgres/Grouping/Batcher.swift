internal import Reactor
internal import Synchronization

/// Does for many callers at once what each asks for: one transaction, one commit, an answer for each.
///
/// While a batch is on its way, callers collect and go with the next one; a caller that is alone goes
/// at once. A batch that fails for a reason one item may have caused is done again item by item, so a
/// bad one harms nobody else. An item may therefore be asked for twice, never done twice: what failed
/// was rolled back.
///
///     let reservations = Batcher<Wanted, OrderID, Outcome>(database) { wanted in
///         try await database.all(ReserveMany(wanted))
///     }
///     let outcome = try await reservations.submit(wanted, key: wanted.order)
public final class Batcher<Item: Sendable, Key: Hashable & Sendable, Output: Sendable>: Sendable {
    /// Does all items in one transaction; answers them in their order.
    public typealias Perform = @Sendable ([Item]) async throws(DatabaseError) -> [Output]

    private typealias Outcome = Result<Output, DatabaseError>

    private let database: Database
    private let perform: Perform
    /// What the observer of the database is told that an item waits for.
    private let types: @Sendable (Item) -> [Any.Type]
    private let state: Mutex<BatchState<Item, Key, OneShot<Outcome>>>

    /// Makes a batcher with nothing to do.
    ///
    /// - Parameters:
    ///   - database: where `perform` works; its loops and its time limit count.
    ///   - maxItems: the most items in one batch.
    ///   - types: what names an item to the database's observer: its statements; nil for its own type.
    public init(
        _ database: Database,
        maxItems: Int = 64,
        types: @escaping @Sendable (Item) -> [Any.Type] = { _ in [Item.self] },
        perform: @escaping Perform
    ) {
        self.database = database
        self.types = types
        self.perform = perform
        state = Mutex(BatchState(limits: .init(items: max(1, maxItems))))
    }

    /// Does the item with others and gives its own answer.
    ///
    /// - Parameter key: items with the same key are never done in one batch; nil if they may be.
    /// - Throws: `.overloaded` when the item was not begun: too many wait, or the caller's deadline
    ///   passed before its turn came. `.timedOut` or `.cancelled` when it may or may not be done.
    public func submit(_ item: Item, key: Key?) async throws(DatabaseError) -> Output {
        // The batch itself is nobody's alone, so it is in no trace: each caller's wait for it is.
        try await observed(by: database.observe, .group(types(item))) {
            () async throws(DatabaseError) in try await wait(for: item, key)
        }
    }

    private func wait(for item: Item, _ key: Key?) async throws(DatabaseError) -> Output {
        guard !Task.isCancelled else { throw .cancelled }
        let outcome = OneShot<Outcome>()
        guard let ticket = state.withLock({ $0.join(item, key: key, outcome) }) else {
            throw .overloaded
        }
        let deadline = database.deadline()
        return try await onLoop(database.pool().loop) { () async throws(DatabaseError) in
            self.depart()
            if let known = await outcome.wait(until: deadline) { return try known.get() }
            guard !self.state.withLock({ $0.leave(ticket) }) else { throw .overloaded }
            // It may have come in the very moment of giving up.
            if let known = outcome.value { return try known.get() }
            throw Task.isCancelled ? .cancelled : .timedOut
        }
    }

    /// Sees to the next batch, if it is due.
    ///
    /// It is loaded in a task of its own: who comes in the same turn of the loop still gets on.
    private func depart() {
        guard state.withLock({ $0.claim() }) else { return }
        // Detached, since it works for more callers than the one who caused it: neither their
        // cancellation nor their deadline is its own. The database's time limit bounds it.
        Task.detached(executorPreference: EventLoop.required) { await self.run() }
    }

    private func run() async {
        let batch = state.withLock { $0.load() }
        guard !batch.isEmpty else { return }
        let outcomes = await outcomes(of: batch.map(\.item))
        state.withLock { $0.finish() }
        for (entry, outcome) in zip(batch, outcomes) { entry.waiter.resolve(outcome) }
        depart()
    }

    private func outcomes(of items: [Item]) async -> [Outcome] {
        do throws(DatabaseError) {
            let outputs = try await perform(items)
            guard outputs.count == items.count else {
                throw .decoding("\(outputs.count) answers for \(items.count) items")
            }
            return outputs.map { .success($0) }
        } catch {
            guard items.count > 1, error.mayBeOfOneItem else {
                return items.map { _ in .failure(error) }
            }
            return await oneByOne(items)
        }
    }

    /// Each in a transaction of its own, side by side.
    private func oneByOne(_ items: [Item]) async -> [Outcome] {
        await withTaskGroup(of: (Int, Outcome).self) { group in
            for (index, item) in items.enumerated() {
                group.addTask { (index, await self.outcomes(of: [item]).first ?? Self.lost) }
            }
            var outcomes = items.map { _ in Self.lost }
            for await (index, outcome) in group { outcomes[index] = outcome }
            return outcomes
        }
    }

    private static var lost: Outcome { .failure(.decoding("an item without an answer")) }
}

extension DatabaseError {
    /// Whether nothing was done and another selection of items may well succeed.
    fileprivate var mayBeOfOneItem: Bool {
        switch self {
        case .constraint, .serialization, .server: true
        case .unavailable, .timedOut, .cancelled, .overloaded, .decoding, .outcomeUnknown: false
        }
    }
}
