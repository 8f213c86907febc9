extension Invariant {
    /// Everything `stack verify` checks, in the order it prints.
    static let all: [Invariant] = [
        everySagaEnded, moneyMatchesOrders, everyOrderPaid, oneCapturePerOrder, ledgerBalances,
        providerAgrees, stockConserved, reservationsMatchOrders, notBothConfirmedAndUndone,
        cancelledIsUndone, oneOutcomeEvent, paymentsTold, notifiedOnce, noDifferenceOpen,
    ]
}
