extension Invariant {
    /// Double entry: what leaves one account enters another, in each transaction and over all, and the
    /// ledger says of the money what the payments say.
    static let ledgerBalances = Invariant(
        name: "the ledger sums to zero and matches payments",
        reads: [
            .payment: """
            SELECT count(*) AS transactions, coalesce(sum(balance), 0) AS sum,
                   count(*) FILTER (WHERE balance <> 0) AS unbalanced,
                   coalesce(sum(clearing), 0) AS clearing,
                   (SELECT coalesce(sum(amount_cents - refunded_cents), 0) FROM payments
                     WHERE status IN ('captured', 'refunding', 'refunded')) AS kept
              FROM (SELECT sum(amount_cents) AS balance,
                           sum(amount_cents) FILTER (WHERE account = 'provider_clearing') AS clearing
                      FROM ledger_entries GROUP BY transaction_id) AS each_transaction
            """
        ],
        holds: { found in
            let sum = found.figure(.payment, "sum")
            let unbalanced = found.figure(.payment, "unbalanced")
            let clearing = found.figure(.payment, "clearing")
            let kept = found.figure(.payment, "kept")
            let count = found.figure(.payment, "transactions")
            return Verdict(
                sum == 0 && unbalanced == 0 && clearing == kept,
                "sum \(sum) over \(count) transactions, \(unbalanced) unbalanced, "
                    + "\(clearing) = \(kept) cents"
            )
        }
    )
}
