internal import Contracts
internal import Postgres
internal import Reactor
internal import Telemetry

/// A payment or an intent that may differ from its counterpart.
struct Suspect: Sendable, Hashable {
    let order: OrderID?
    /// Nil for the one that the payment names.
    let intent: String?
}

/// Compares the provider's records with our books, span by span of the provider's lists, and puts
/// right what differs; what it cannot put right becomes an open discrepancy.
///
/// Lists and rows are read at different moments, so what looks wrong in them is only suspected. Each
/// suspect is examined by itself: row, intent, row again. When both rows are equal, the row was so
/// while the intent was read, and the two can be compared.
struct ProviderAudit: Sendable {
    /// Why a comparison ended early; the next one begins where it began.
    enum Stop: Error, Sendable {
        case database(DatabaseError)
        case provider(String)
        /// Another replica has taken over.
        case lostLease
    }

    /// Pages of one span; beyond, the span is halved.
    static let maxPages = 1000
    /// Suspects of one span; beyond, the span is halved.
    static let maxSuspects = 1000
    /// Suspects that are examined at once: reconciling must not crowd out charges.
    static let width = 4
    /// Open discrepancies that are looked at again each time.
    static let reviewed = 50

    let settlement: Settlement
    let records: any ProviderRecords
    let owner: String
    let log: Logger
    let measures: DifferenceMeasures
    /// A seam for tests, whose records are all new.
    var grace = AuditSpan.grace

    var database: Database { settlement.store.database }

    /// Compares both lists up to the present, or as far as `time` allows.
    ///
    /// - Returns: false when another replica is at it.
    @discardableResult
    func run(within time: Duration) async throws(Stop) -> Bool {
        let end = Deadline.after(time)
        guard try await claim(.intents) != nil else { return false }
        try await review()
        for list in ProviderList.allCases {
            while !Task.isCancelled, !end.hasPassed {
                guard let progress = try await claim(list) else { throw .lostLease }
                if try await compare(list, progress) { break }
            }
        }
        let counts = try await ask { () async throws(DatabaseError) in
            try await database.all(CountDiscrepancies())
        }
        measures.setOpen(counts)
        return true
    }

    /// Lets another replica continue, when this one stops.
    func release() async {
        // Otherwise the lease runs out by itself.
        _ = try? await database.run(ReleaseReconciliation(owner: owner))
    }

    /// Takes in one span of a list.
    ///
    /// - Returns: whether that was the last one for now.
    private func compare(
        _ list: ProviderList,
        _ progress: ReconciliationProgress
    ) async throws(Stop) -> Bool {
        let span = AuditSpan(
            through: progress.through,
            length: progress.length,
            now: progress.now
        )
        let found = try await suspects(list, span, now: progress.now)
        let wasTooMuch = found == nil
        if let found {
            try await examine(Array(found))
        } else if progress.length == AuditSpan.length.lowerBound {
            throw .provider("more records in \(progress.length) s than can be compared")
        }
        let move = MoveReconciliation(
            list: list,
            owner: owner,
            through: wasTooMuch ? progress.through : span.to,
            length: AuditSpan.nextLength(after: progress.length, wasTooMuch: wasTooMuch)
        )
        let moved = try await ask { () async throws(DatabaseError) in
            try await database.run(move)
        }
        guard moved == 1 else { throw .lostLease }
        return !wasTooMuch && span.isLast(now: progress.now)
    }

    /// Everything in a span that does not plainly agree; nil when it is too much.
    private func suspects(
        _ list: ProviderList,
        _ span: AuditSpan,
        now: Int64
    ) async throws(Stop) -> Set<Suspect>? {
        var seen: Set<OrderID> = []
        var suspects: Set<Suspect> = []
        var after: String?
        for number in 0..<Self.maxPages {
            // A long span outlasts the lease.
            if number % 50 == 49, try await claim(list) == nil { throw .lostLease }
            switch list {
            case .intents:
                after = try await intents(span, after, now, &seen, &suspects)
            case .refunds:
                after = try await refunds(span, after, &seen, &suspects)
            }
            guard suspects.count <= Self.maxSuspects else { return nil }
            guard after == nil else { continue }
            let unseen = try await unseen(list, span, Array(seen))
            for order in unseen { suspects.insert(Suspect(order: order, intent: nil)) }
            return suspects.count <= Self.maxSuspects ? suspects : nil
        }
        return nil
    }

    private func intents(
        _ span: AuditSpan,
        _ after: String?,
        _ now: Int64,
        _ seen: inout Set<OrderID>,
        _ suspects: inout Set<Suspect>
    ) async throws(Stop) -> String? {
        let page = try await read { () async throws(NoResponse) in
            try await records.intents(from: span.from, to: span.to, after: after)
        }
        let rows = try await payments(page.records.compactMap { $0.origin?.order })
        for intent in page.records {
            let order = intent.origin?.order
            if let order, intent.isPaid { seen.insert(order) }
            switch Comparison(order.flatMap { rows[$0] }, intent) {
            case .agrees, .pending: continue
            // Its request may still be at work.
            case .captureMissing where intent.created > now - grace: continue
            default: suspects.insert(Suspect(order: order, intent: intent.id))
            }
        }
        return page.next
    }

    private func refunds(
        _ span: AuditSpan,
        _ after: String?,
        _ seen: inout Set<OrderID>,
        _ suspects: inout Set<Suspect>
    ) async throws(Stop) -> String? {
        let page = try await read { () async throws(NoResponse) in
            try await records.refunds(from: span.from, to: span.to, after: after)
        }
        let rows = try await payments(page.records.compactMap(\.order))
        for refund in page.records {
            let row = refund.order.flatMap { rows[$0] }
            let agrees =
                refund.isGood && row?.intent == refund.intent && row?.status == .refunded
                && row?.amountCents == refund.amountCents
            if agrees, let order = refund.order {
                seen.insert(order)
            } else if row?.status != .refunding {
                suspects.insert(Suspect(order: refund.order, intent: refund.intent))
            }
        }
        return page.next
    }

    private func unseen(
        _ list: ProviderList,
        _ span: AuditSpan,
        _ seen: [OrderID]
    ) async throws(Stop) -> [OrderID] {
        let limit = Self.maxSuspects + 1
        return try await ask { () async throws(DatabaseError) in
            switch list {
            case .intents:
                try await database.all(SelectUnseenCaptures(span: span, seen: seen, limit: limit))
            case .refunds:
                try await database.all(SelectUnseenRefunds(span: span, seen: seen, limit: limit))
            }
        }
    }

    private func payments(_ orders: [OrderID]) async throws(Stop) -> [OrderID: Payment] {
        guard !orders.isEmpty else { return [:] }
        let found = try await ask { () async throws(DatabaseError) in
            try await database.all(SelectPayments(orders: orders))
        }
        return Dictionary(found.map { ($0.order, $0) }) { first, _ in first }
    }

    private func claim(_ list: ProviderList) async throws(Stop) -> ReconciliationProgress? {
        try await ask { () async throws(DatabaseError) in
            try await database.one(ClaimReconciliation(list: list, owner: owner))
        }
    }

    /// Looks again at what is open: it may have been put right by hand.
    private func review() async throws(Stop) {
        let open = try await ask { () async throws(DatabaseError) in
            try await database.all(SelectOpenDiscrepancies(limit: Self.reviewed))
        }
        try await examine(open)
    }
}

extension ProviderAudit {
    func ask<T: Sendable>(
        _ body: () async throws(DatabaseError) -> T
    ) async throws(Stop) -> T {
        do throws(DatabaseError) { return try await body() } catch { throw .database(error) }
    }

    func read<T: Sendable>(
        _ body: () async throws(NoResponse) -> T
    ) async throws(Stop) -> T {
        do throws(NoResponse) { return try await body() } catch { throw .provider(error.reason) }
    }
}
