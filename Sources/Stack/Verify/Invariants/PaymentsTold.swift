extension Invariant {
    /// Every payment said once what became of it, and nothing that did not: captured or declined, and
    /// refunded if it was.
    static let paymentsTold = Invariant(
        name: "each payment told what became of it",
        reads: [
            .payment: """
            SELECT count(*) AS payments,
                   count(*) FILTER (WHERE
                     (status IN ('captured', 'refunding', 'refunded'))::int <> coalesce(captures, 0)
                     OR (status = 'refunded')::int <> coalesce(refunds, 0)
                     OR (status = 'declined')::int <> coalesce(declines, 0)) AS wrong
              FROM payments LEFT JOIN (
                SELECT subject,
                       count(*) FILTER (WHERE type = 'payment.captured') AS captures,
                       count(*) FILTER (WHERE type = 'payment.refunded') AS refunds,
                       count(*) FILTER (WHERE type = 'payment.declined') AS declines
                  FROM outbox GROUP BY subject) AS said ON said.subject = payments.order_id::text
            """
        ],
        holds: { found in
            let wrong = found.figure(.payment, "wrong")
            return Verdict(
                wrong == 0,
                "\(found.figure(.payment, "payments")) payments, \(wrong) untrue"
            )
        }
    )
}
