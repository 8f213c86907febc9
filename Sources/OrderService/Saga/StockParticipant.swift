internal import Contracts
internal import HTTP
internal import Mesh
internal import Sagas

/// The product service's part: it holds stock for an order, all lines or none.
struct StockParticipant: Sendable {
    private let call: ParticipantCall

    init(_ product: Upstream) {
        call = ParticipantCall(upstream: product)
    }

    /// Holds every line.
    func reserve(_ order: Order) async -> StepOutcome {
        let lines = order.lines.map { OrderLine(productID: $0.productID, quantity: $0.quantity) }
        guard let request = try? ClientRequest.json(.put, target(order), Lines(lines)) else {
            return .unknown("the lines are not JSON")
        }
        switch await call.send(request) {
        case .done: return .done
        case .unknown(let reason): return .unknown(reason)
        case .refused(type: ProblemType.outOfStock, let problem):
            let detail = ParticipantCall.members(["short"], of: problem)
            return .refused(Refusal(reason: RefusalReason.outOfStock, detail: detail))
        case .refused(let type, _):
            return .refused(Refusal(reason: Self.slug(type)))
        }
    }

    /// Lets go of what is held, or refuses a reservation that is still on its way.
    func release(_ order: Order) async -> UndoOutcome {
        switch await call.send(ClientRequest(.delete, target(order))) {
        case .done: .done
        case .unknown(let reason): .unknown(reason)
        case .refused(let type, _): .unknown("product refused a release: \(type)")
        }
    }

    private func target(_ order: Order) -> String { "/reservations/\(order.id)" }

    /// `/problems/out-of-stock` is `out-of-stock`.
    static func slug(_ type: String) -> String {
        type.split(separator: "/").last.map(String.init) ?? type
    }
}
