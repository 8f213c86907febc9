extension Invariant {
    /// The payment service's own comparison with the provider found nothing that it could not repair.
    static let noDifferenceOpen = Invariant(
        name: "no difference from the provider is open",
        reads: [
            .payment: """
            SELECT count(*) FILTER (WHERE state = 'open') AS open,
                   count(*) FILTER (WHERE state = 'repaired') AS repaired
              FROM discrepancies
            """
        ],
        holds: { found in
            let open = found.figure(.payment, "open")
            return Verdict(
                open == 0,
                "\(open) open, \(found.figure(.payment, "repaired")) repaired"
            )
        }
    )
}
