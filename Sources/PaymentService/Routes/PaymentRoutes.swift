internal import HTTP

/// What the payment service answers, and to whom.
struct PaymentRoutes: Sendable {
    let settlement: Settlement
    let outcomes: OutcomeCounters

    /// The table of routes.
    func register(_ routes: inout Router) {
        routes.on(.put, "/payments/{order_id}", from: "order") { request throws(Problem) in
            try await chargePayment(request)
        }
        routes.on(.delete, "/payments/{order_id}", from: "order") { request throws(Problem) in
            try await voidPayment(request)
        }
        routes.on(.get, "/payments/{order_id}", from: "gateway") { request throws(Problem) in
            try await showPayment(request)
        }
        routes.on(.get, "/ops/payments/discrepancies", from: "gateway") {
            request throws(Problem) in
            try await listDiscrepancies(request)
        }
    }
}
