internal import Contracts
internal import HTTP
internal import Mesh
internal import Sagas

/// The payment service's part: it charges an order once, or gives every cent back.
struct PaymentParticipant: Sendable {
    private let call: ParticipantCall

    init(_ payment: Upstream) {
        call = ParticipantCall(upstream: payment)
    }

    /// Charges the order's total.
    func charge(_ order: Order) async -> StepOutcome {
        let charge = ChargeRequest(
            customerID: order.customer,
            amountCents: order.total.cents,
            currency: order.total.currency,
            paymentMethod: order.paymentMethod
        )
        guard let request = try? ClientRequest.json(.put, target(order), charge) else {
            return .unknown("the charge is not JSON")
        }
        switch await call.send(request) {
        case .done: return .done
        case .unknown(let reason): return .unknown(reason)
        case .refused(type: ProblemType.cardDeclined, let problem):
            let detail = ParticipantCall.members(["decline_code"], of: problem)
            return .refused(Refusal(reason: RefusalReason.cardDeclined, detail: detail))
        case .refused(let type, _):
            return .refused(Refusal(reason: StockParticipant.slug(type)))
        }
    }

    /// Voids or refunds the charge, or refuses one that is still on its way.
    func refund(_ order: Order) async -> UndoOutcome {
        switch await call.send(ClientRequest(.delete, target(order))) {
        case .done: .done
        case .unknown(let reason): .unknown(reason)
        case .refused(let type, _): .unknown("payment refused a refund: \(type)")
        }
    }

    private func target(_ order: Order) -> String { "/payments/\(order.id)" }
}
