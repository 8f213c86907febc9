internal import Contracts
internal import HTTP
internal import Journaling
internal import Postgres
internal import Reactor
internal import Sagas
internal import Telemetry

/// Places saved orders once the database is back.
///
/// Everything it does may be done twice: the order's id and the customer's key decide in the database
/// whether it is there already.
struct SavedOrderReplay: Sendable {
    /// How long between looks at the journal.
    private static let pause = Duration.milliseconds(500)
    /// How many orders are placed at a time.
    private static let width = 16
    /// How many looks between looks at what other processes left behind.
    private static let looksPerSearch = 10
    /// How long a saved order's saga has: nobody waits for it, and after an outage that took all
    /// databases away it may be half a minute before the last circuit breaker closes.
    private static let deadline = Duration.seconds(600)

    let saved: SavedOrders
    let folder: JournalFolder
    let maxBytes: Int
    let routes: OrderRoutes
    let log: Logger
    let measures: SavedOrderMeasures
    /// What was told of, so that an order that stays is not told of at each look.
    private let told = RecentOrders(limit: 1000)

    /// Places what waits, until the task is cancelled.
    func run() async {
        var look = 0
        while !Task.isCancelled {
            let isReached = await place(saved.all) { saved.forget($0) }
            if isReached, look.isMultiple(of: Self.looksPerSearch) { await adopt() }
            look += 1
            try? await EventLoop.sleep(for: Self.pause * Double.random(in: 0.5...1))
        }
    }

    /// Places orders, and hands those that are settled to `forget`.
    ///
    /// - Returns: false when it is no use to go on now.
    func place(
        _ orders: [SavedOrder],
        _ forget: @escaping @Sendable (SavedOrder) -> Void
    ) async -> Bool {
        var rest = orders[...]
        while let first = rest.first {
            guard await canProceed(first.order) else { return false }
            let chunk = rest.prefix(Self.width)
            rest = rest.dropFirst(Self.width)
            let results = await withTaskGroup(of: (SavedOrder, Replay).self) { group in
                for order in chunk { group.addTask { (order, await place(order)) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            for (order, result) in results {
                note(result, order)
                guard result.isSettled else { continue }
                // In this order: it is placed, and must not pass for new in between.
                routes.recent.remember(order.order.id)
                forget(order)
            }
            if results.contains(where: { $0.1 == .later }) { return false }
        }
        return true
    }

    /// Whether the catalog is back too; the saga's first step would have to wait for it.
    private func canProceed(_ order: Order) async -> Bool {
        let lines = order.lines.map { OrderLine(productID: $0.productID, quantity: $0.quantity) }
        return await routes.catalog.answers(lines)
    }

    private func place(_ saved: SavedOrder) async -> Replay {
        do throws(DatabaseError) {
            let isNew = try await routes.insert(
                saved.order,
                saved.key,
                saved.fingerprint,
                deadline: Self.deadline
            )
            guard !isNew else {
                let id = saved.order.id.uuid
                _ = routes.sagas.launch(id, saved.order, deadline: Self.deadline)
                return Replay(saved, after: .inserted)
            }
            let find = FindAnswer(customer: saved.order.customer, key: saved.key)
            let known = try await routes.store.database.one(find)
            return Replay(saved, after: .taken(known?.fingerprint))
        } catch {
            return Replay(saved, after: .failed(error))
        }
    }

    private func note(_ result: Replay, _ saved: SavedOrder) {
        measures.replays.with(result.label).increment()
        let id = LogValue.string(saved.order.id.description)
        switch result {
        case .placed: log.info("saved order placed", ["id": id])
        case .same: log.info("saved order was placed already", ["id": id])
        case .lost:
            log.error(
                "a saved order lost to another checkout under its key",
                [
                    "id": id, "customer": .string(saved.order.customer.description),
                    "total_cents": .int(Int(saved.order.total.cents)),
                ]
            )
        case .refused(let reason):
            guard !told.contains(saved.order.id) else { return }
            told.remember(saved.order.id)
            log.error("a saved order cannot be placed", ["id": id, "error": .string(reason)])
        case .later: break
        }
    }

    // MARK: What others left behind

    /// Places what processes left behind that did not come back.
    private func adopt() async {
        while let journal = await abandoned() {
            let read = SavedOrders.read(journal, log, measures)
            let numbers = Dictionary(grouping: read, by: \.saved)
            log.warning("adopting an abandoned order journal", ["orders": .int(read.count)])
            let isReached = await place(read.map(\.saved)) { settled in
                for entry in numbers[settled] ?? [] { journal.remove(entry.number) }
            }
            let isEmpty = journal.depth == 0
            await journal.close()
            guard isReached, isEmpty else { return }
        }
    }

    private func abandoned() async -> Journal? {
        let found = try? await BlockingPool.shared.run { () -> Journal? in
            let taken = try? Journal(abandonedIn: folder, maxBytes: maxBytes)
            return taken ?? nil
        }
        return found ?? nil
    }
}
