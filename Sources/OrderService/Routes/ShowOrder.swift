internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension OrderRoutes {
    /// One order, for its customer and for administrators.
    @Sendable func showOrder(_ request: Request) async throws(Problem) -> Response {
        switch try await lookUp(request) {
        case .stored(let order): .json(OrderDocument(order))
        case .saved(let saved): .json(saved.document)
        }
    }

    /// The order in the path, if the caller may see it and the database has it.
    ///
    /// - Throws: 404 for an order that is not there and for one that is somebody else's, alike; 503 for
    ///   one that is still to be placed.
    func visibleOrder(_ request: Request) async throws(Problem) -> Order {
        switch try await lookUp(request) {
        case .stored(let order): return order
        case .saved(let saved): throw .notPlacedYet(saved.order.id)
        }
    }

    /// Where an order was found.
    private enum Found {
        case stored(Order)
        case saved(SavedOrder)
    }

    /// The database's word counts; the journal's is for when the database is out of reach, or when the
    /// order is not there yet.
    private func lookUp(_ request: Request) async throws(Problem) -> Found {
        let principal = try request.principal()
        let id = try request.parameter("id", as: OrderID.self)
        let waiting = saved?.find(id).flatMap { principal.maySee($0.order) ? $0 : nil }
        let stored: Order?
        do throws(DatabaseError) {
            stored = try await store.database.one(FindOrder(id: id))
        } catch {
            guard let waiting, error.meansUnreachable, !recent.contains(id) else {
                throw Problem(error)
            }
            return .saved(waiting)
        }
        if let stored {
            // Whoever is told how it stands must not be told afterwards that it is still to be placed.
            if waiting != nil { recent.remember(id) }
            guard principal.maySee(stored) else { throw .noOrder(id) }
            return .stored(stored)
        }
        if let waiting { return .saved(waiting) }
        // Only the shop makes such ids: the order may wait in a journal that this replica cannot see.
        throw saved != nil && id.couldBelong(to: principal.user) ? .notPlacedYet(id) : .noOrder(id)
    }
}

extension Principal {
    fileprivate func maySee(_ order: Order) -> Bool {
        order.customer == user || role == .admin
    }
}

extension Problem {
    fileprivate static func noOrder(_ id: OrderID) -> Problem {
        .notFound("there is no order \(id)")
    }

    fileprivate static func notPlacedYet(_ id: OrderID) -> Problem {
        .unavailable("the order \(id) has not been placed yet", retryAfter: .seconds(2))
    }
}
