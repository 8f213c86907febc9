internal import Contracts
internal import Postgres
internal import Reactor
internal import Telemetry

/// Ends voids that nobody drives any more, then compares the provider's records with our books.
///
/// A void is decided once and for ever, so it needs no saga to finish. A charge without a result does:
/// only its saga knows whether it is still wanted, so those are counted and logged, unless the
/// provider's records say that it succeeded.
struct Reconciler: Sendable {
    /// How many payments one replica claims at a time, and works on at once.
    static let batch = 16
    /// What one batch may take, below the lease that claiming gives.
    static let batchTime = Duration.seconds(20)

    let settlement: Settlement
    let log: Logger
    let interval: Duration
    let gauges: UnsettledGauges
    let audit: ProviderAudit

    /// Works at once and then every `interval`, until cancelled.
    func run() async {
        while !Task.isCancelled {
            do throws(DatabaseError) {
                try await sweep()
            } catch {
                log.warning("reconciling is put off", ["reason": .string("\(error)")])
            }
            await compare()
            // Cancellation cuts the wait short, and the loop ends.
            try? await EventLoop.sleep(for: interval)
        }
        await audit.release()
    }

    /// Compares for at most half of the time that there is until the next comparison.
    private func compare() async {
        do throws(ProviderAudit.Stop) {
            try await audit.run(within: interval / 2)
        } catch {
            log.warning("comparing with the provider is put off", ["reason": .string("\(error)")])
        }
    }

    /// Resolves every stuck void once, batch by batch.
    ///
    /// - Returns: how many were resolved.
    @discardableResult
    func sweep() async throws(DatabaseError) -> Int {
        var resolved = 0
        while !Task.isCancelled {
            let claimed = try await settlement.store.claimStuck(limit: Self.batch)
            guard !claimed.isEmpty else { break }
            let ended = await Deadline.$current.withValue(.after(Self.batchTime)) {
                await resolve(claimed)
            }
            resolved += ended
            // The provider is away; it is not asked for the rest as well.
            if ended == 0 { break }
        }
        let unsettled = try await settlement.store.countUnsettled()
        gauges.set(charges: unsettled.charges, voids: unsettled.voids)
        if unsettled.charges > 0 || unsettled.voids > 0 {
            log.warning(
                "payments without an end",
                [
                    "charges_older_than_10_min": .int(Int(unsettled.charges)),
                    "voids_older_than_1_min": .int(Int(unsettled.voids)),
                ]
            )
        }
        return resolved
    }

    private func resolve(_ orders: [OrderID]) async -> Int {
        await withTaskGroup(of: Bool.self) { group in
            for order in orders { group.addTask { await resolve(order) } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
    }

    private func resolve(_ order: OrderID) async -> Bool {
        do throws(DatabaseError) {
            let settled = try await settlement.void(order)
            guard settled.outcome != .unknown else {
                putOff(order, settled.reason ?? "a rival is at work")
                return false
            }
            log.info(
                "a stuck void was ended",
                [
                    "order_id": .string(order.description),
                    "status": .string(settled.payment.status.rawValue),
                ]
            )
            return true
        } catch {
            putOff(order, "\(error)")
            return false
        }
    }

    private func putOff(_ order: OrderID, _ reason: String) {
        log.warning(
            "a stuck void is not ended yet",
            ["order_id": .string(order.description), "reason": .string(reason)]
        )
    }
}
