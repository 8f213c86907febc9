internal import Contracts
internal import Postgres
internal import Reactor
internal import Telemetry

extension ProviderAudit {
    /// Examines suspects, a few at a time; the first that cannot be examined ends it.
    func examine(_ suspects: [Suspect]) async throws(Stop) {
        let result: Result<Void, Stop> = await withTaskGroup(of: Result<Void, Stop>.self) { group in
            var rest = suspects[...]
            for suspect in rest.prefix(Self.width) {
                group.addTask { await examined(suspect) }
            }
            rest = rest.dropFirst(Self.width)
            for await result in group {
                guard case .success = result else {
                    group.cancelAll()
                    return result
                }
                if let next = rest.popFirst() { group.addTask { await examined(next) } }
            }
            return .success(())
        }
        try result.get()
    }

    private func examined(_ suspect: Suspect) async -> Result<Void, Stop> {
        do throws(Stop) {
            try await examine(suspect)
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    /// Compares one payment with its intent, and puts right what differs.
    func examine(_ suspect: Suspect) async throws(Stop) {
        var order = suspect.order
        if order == nil, let id = suspect.intent {
            guard let intent = try await intent(id) else { return }
            order = intent.origin?.order
            guard order != nil else { return try await act(Comparison(nil, intent), nil, intent) }
        }
        guard let order else { return }
        let before = try await payment(order)
        guard let id = suspect.intent ?? before?.intent else { return }
        let found = try await intent(id)
        let payment = try await payment(order)
        // Somebody is at work on it; the next comparison finds what became of it.
        guard before == payment else { return }
        if let found {
            try await act(Comparison(payment, found), payment, found)
        } else if let payment, payment.intent == id {
            let comparison = Comparison(withoutIntent: payment)
            try await act(comparison, payment, payment.missingIntent(id))
        }
    }

    private func act(
        _ comparison: Comparison,
        _ payment: Payment?,
        _ intent: ProviderIntent
    ) async throws(Stop) {
        switch comparison {
        case .pending: return
        case .agrees:
            _ = try await ask { () async throws(DatabaseError) in
                try await database.run(SettleDiscrepancies(intent: intent.id))
            }
        case .captureMissing: try await capture(payment, intent)
        case .paymentLost: try await restore(intent)
        case .stray: try await giveBack(payment, intent)
        case .refundMissing: try await refund(payment, intent)
        case .unclear(let kind): try await record(kind, payment, intent, .open)
        }
    }

    /// Asks with the charge's own key: its stored answer says what our row lacks.
    private func capture(_ payment: Payment?, _ intent: ProviderIntent) async throws(Stop) {
        guard let payment, let request = payment.request else { return }
        let settled = try await ask { () async throws(DatabaseError) in
            try await settlement.charge(payment.order, request)
        }
        switch settled.outcome {
        case .captured: try await record(.captureMissing, payment, intent, .repaired)
        // A void came meanwhile and gives it back.
        case .refusedByVoid, .voided, .refunded: return
        case .unknown: throw .provider(settled.reason ?? "a rival is at work")
        case .declined, .mismatch: try await record(.captureMissing, payment, intent, .open)
        }
    }

    private func restore(_ intent: ProviderIntent) async throws(Stop) {
        guard let origin = intent.origin else { return }
        try await ask { () async throws(DatabaseError) in
            try await settlement.store.restore(intent, origin)
        }
        try await record(.paymentLost, nil, intent, .repaired)
    }

    private func giveBack(_ payment: Payment?, _ intent: ProviderIntent) async throws(Stop) {
        switch await records.giveBack(intent) {
        case .refunded: try await confirm(.stray, payment, intent)
        case .unknown(let reason): throw .provider(reason)
        default: throw .provider("a refund was not answered as such")
        }
    }

    private func refund(_ payment: Payment?, _ intent: ProviderIntent) async throws(Stop) {
        guard let payment else { return }
        switch await settlement.provider.refund(payment) {
        case .refunded: try await confirm(.refundMissing, payment, intent)
        case .unknown(let reason): throw .provider(reason)
        default: throw .provider("a refund was not answered as such")
        }
    }

    /// Believes a refund when the intent shows it: a stored answer may tell of one that failed later.
    private func confirm(
        _ kind: Discrepancy.Kind,
        _ payment: Payment?,
        _ intent: ProviderIntent
    ) async throws(Stop) {
        let now = try await self.intent(intent.id)
        let isGone = now?.keptCents == 0
        try await record(kind, payment, isGone ? intent : now ?? intent, isGone ? .repaired : .open)
    }

    private func record(
        _ kind: Discrepancy.Kind,
        _ payment: Payment?,
        _ intent: ProviderIntent,
        _ state: Discrepancy.State
    ) async throws(Stop) {
        let discrepancy = Discrepancy(
            kind: kind,
            order: payment?.order ?? intent.origin?.order,
            intent: intent.id,
            ourCents: payment?.keptCents ?? 0,
            providerCents: intent.keptCents,
            state: state
        )
        let isNews = try await ask { () async throws(DatabaseError) in
            try await database.one(RecordDiscrepancy(discrepancy: discrepancy)) ?? true
        }
        guard isNews else { return }
        measures.count(kind, state)
        let fields: LogFields = [
            "kind": .string(kind.rawValue),
            "order_id": .string(discrepancy.order?.description ?? ""),
            "provider_intent": .string(intent.id),
            "our_cents": .int(Int(discrepancy.ourCents)),
            "provider_cents": .int(Int(discrepancy.providerCents)),
        ]
        if state == .open {
            log.error("the provider's books differ from ours", fields)
        } else {
            log.warning("a difference from the provider's books was repaired", fields)
        }
    }

    private func payment(_ order: OrderID) async throws(Stop) -> Payment? {
        try await ask { () async throws(DatabaseError) in try await settlement.store.find(order) }
    }

    private func intent(_ id: String) async throws(Stop) -> ProviderIntent? {
        try await read { () async throws(NoResponse) in try await records.intent(id) }
    }
}

extension ProviderAudit {
    /// Looks into an intent before its turn.
    ///
    /// A charge whose result is just on its way is asked for by its key, as its saga would: that is
    /// no difference worth recording.
    func hasten(_ id: String) async throws(Stop) {
        guard let intent = try await intent(id) else { return }
        if let order = intent.origin?.order, let payment = try await payment(order),
            payment.status == .processing, let request = payment.request, intent.isPaid
        {
            _ = try await ask { () async throws(DatabaseError) in
                try await settlement.charge(order, request)
            }
            return
        }
        try await examine(Suspect(order: intent.origin?.order, intent: id))
    }
}

extension Payment {
    /// What stands for an intent that the provider does not know.
    fileprivate func missingIntent(_ id: String) -> ProviderIntent {
        ProviderIntent(
            id: id,
            isPaid: false,
            amountCents: amountCents,
            currency: currency,
            refundedCents: 0,
            created: 0,
            origin: nil
        )
    }
}
