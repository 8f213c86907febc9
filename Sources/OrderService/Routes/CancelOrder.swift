internal import Contracts
internal import HTTP
internal import Postgres
internal import Reactor
internal import Sagas
internal import ServiceKit

extension OrderRoutes {
    /// Between two looks at an order that somebody else is working on.
    private static let lookInterval = Duration.milliseconds(100)

    /// Cancels an order once, however often and wherever it is asked; the saga finishes what this
    /// transaction starts.
    @Sendable func cancelOrder(_ request: Request) async throws(Problem) -> Response {
        let principal = try request.principal()
        var order = try await visibleOrder(request)
        let by = order.customer == principal.user ? "customer" : "admin \(principal.user)"
        let deadline = Deadline.after(WaitPreference.of(request))
        while true {
            switch Cancellation(of: order.status) {
            case .begin: order = try await begin(order, by: by, until: deadline)
            case .wait:
                guard await pause(until: deadline) else {
                    return try Cancellation.answer(for: order)
                }
                order = try await reread(order)
            case .done, .refused: return try Cancellation.answer(for: order)
            }
        }
    }

    /// Commits the decision with its saga, and drives the saga for as long as the client waits.
    ///
    /// - Returns: the order as it stands then, also when somebody else was faster.
    private func begin(
        _ order: Order,
        by whom: String,
        until deadline: Deadline
    ) async throws(Problem) -> Order {
        let id = order.id.uuid
        let begun: Order?
        do throws(DatabaseError) {
            begun = try await store.database.transaction { transaction throws(DatabaseError) in
                let move = MoveOrder(to: order.ended(.cancelling), from: .confirmed)
                guard let moved = try await transaction.one(move) else { return nil }
                try await transaction.run(
                    cancellations.start(id),
                    cancellations.decided(id, by: whom)
                )
                return moved
            }
        } catch {
            if error.isOutcomeUncertain {
                cancellations.launch(ifStarted: id, order.ended(.cancelling))
            }
            throw Problem(error)
        }
        if let begun { _ = await cancellations.launch(id, begun).wait(until: deadline) }
        return try await reread(order)
    }

    private func reread(_ order: Order) async throws(Problem) -> Order {
        guard let found = try await store.one(FindOrder(id: order.id)) else {
            throw .notFound("there is no order \(order.id)")
        }
        return found
    }

    /// Waits a little; false when the client's patience has ended.
    private func pause(until deadline: Deadline) async -> Bool {
        guard !deadline.hasPassed else { return false }
        let end = Deadline.after(Self.lookInterval).or(earlier: deadline)
        return (try? await EventLoop.sleep(until: end)) != nil
    }
}
