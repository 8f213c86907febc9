extension Invariant {
    /// Double entry: what leaves one account enters another, in each transaction and over all.
    static let ledgerBalances = Invariant(
        name: "the ledger sums to zero",
        reads: [
            .payment: """
            SELECT count(*) AS transactions, coalesce(sum(balance), 0) AS sum,
                   count(*) FILTER (WHERE balance <> 0) AS unbalanced
              FROM (SELECT sum(amount_cents) AS balance FROM ledger_entries
                     GROUP BY transaction_id) AS each
            """
        ],
        holds: { found in
            let sum = found.figure(.payment, "sum")
            let unbalanced = found.figure(.payment, "unbalanced")
            let count = found.figure(.payment, "transactions")
            return Verdict(
                sum == 0 && unbalanced == 0,
                "sum \(sum) over \(count) transactions, \(unbalanced) unbalanced"
            )
        }
    )
}
