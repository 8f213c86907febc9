import Testing

@testable import Stack

/// Every invariant is shown data that adds up and data that does not.
@Suite struct `The conservation oracle` {
    private func judge(_ invariant: Invariant, _ tables: [ServiceName: String]) -> Bool {
        var evidence = Evidence(tables: [:])
        for (service, csv) in tables {
            evidence.tables[service] = CSVTable(lines: csv.split(separator: "\n"))
        }
        return invariant.holds(evidence).holds
    }

    @Test func `every invariant has a name and reads something`() {
        let names = Invariant.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Invariant.all.allSatisfy { !$0.reads.isEmpty })
    }

    @Test func `a saga, an order or a payment in flight fails`() {
        func judged(_ order: String, _ payments: Int) -> Bool {
            judge(
                .everySagaEnded,
                [.order: "sagas,orders\n\(order)", .payment: "payments\n\(payments)"]
            )
        }
        #expect(judged("0,0", 0))
        #expect(!judged("1,0", 0))
        #expect(!judged("0,1", 0))
        #expect(!judged("0,0", 1))
    }

    @Test func `a cent too many or too few fails`() {
        let order = "total\n900"
        #expect(
            judge(.moneyMatchesOrders, [.payment: "captured,refunded\n1000,100", .order: order])
        )
        #expect(
            !judge(.moneyMatchesOrders, [.payment: "captured,refunded\n1000,99", .order: order])
        )
        #expect(
            !judge(.moneyMatchesOrders, [.payment: "captured,refunded\n999,100", .order: order])
        )
    }

    @Test func `an order that is unpaid, paid in vain or paid another amount fails`() {
        let paid = "order_id,amount_cents\na,100\nb,200"
        #expect(judge(.everyOrderPaid, [.payment: paid, .order: "id,total_cents\nb,200\na,100"]))
        for orders in ["a,100", "a,100\nb,200\nc,1", "a,100\nb,201", "a,200\nb,100"] {
            #expect(!judge(.everyOrderPaid, [.payment: paid, .order: "id,total_cents\n\(orders)"]))
        }
    }

    @Test func `a second capture fails, here or at the provider`() {
        #expect(judge(.oneCapturePerOrder, [.payment: "twice\n0", .provider: "twice\n0"]))
        #expect(!judge(.oneCapturePerOrder, [.payment: "twice\n1", .provider: "twice\n0"]))
        #expect(!judge(.oneCapturePerOrder, [.payment: "twice\n0", .provider: "twice\n1"]))
    }

    @Test func `a ledger out of balance or beside the payments fails`() {
        let head = "transactions,sum,unbalanced,clearing,kept\n"
        #expect(judge(.ledgerBalances, [.payment: head + "4,0,0,9,9"]))
        #expect(!judge(.ledgerBalances, [.payment: head + "4,0,2,9,9"]))
        #expect(!judge(.ledgerBalances, [.payment: head + "4,5,1,9,9"]))
        #expect(!judge(.ledgerBalances, [.payment: head + "4,0,0,9,8"]))
    }

    @Test func `a charge that only one side knows, or knows otherwise, fails`() {
        let books = "payment_intent,kept\npi_1,300\npi_2,5"
        func judged(_ ours: String) -> Bool {
            judge(
                .providerAgrees,
                [.provider: books, .payment: "provider_intent,amount_cents\n\(ours)"]
            )
        }
        #expect(judged("pi_2,5\npi_1,300"))
        #expect(!judged("pi_1,300"))
        #expect(!judged("pi_1,300\npi_2,5\npi_3,1"))
        #expect(!judged("pi_1,300\npi_2,6"))
    }

    @Test func `stock that appears or vanishes fails, even when two products cancel out`() {
        let head = "delivered,available,held,products,wrong\n"
        #expect(judge(.stockConserved, [.product: head + "10,7,3,2,0"]))
        #expect(!judge(.stockConserved, [.product: head + "10,8,3,2,1"]))
        #expect(!judge(.stockConserved, [.product: head + "10,7,3,2,2"]))
    }

    @Test func `a confirmed order without stock and stock held in vain fail`() {
        let orders = "id,status\na,confirmed\nb,pending"
        #expect(judge(.reservationsMatchOrders, [.product: "order_id\na", .order: orders]))
        #expect(judge(.reservationsMatchOrders, [.product: "order_id\na\nb", .order: orders]))
        #expect(!judge(.reservationsMatchOrders, [.product: "order_id\nb", .order: orders]))
        #expect(!judge(.reservationsMatchOrders, [.product: "order_id\na\nc", .order: orders]))
    }

    @Test func `a confirmed order with money or stock given back fails`() {
        func judged(_ payment: String, _ product: String) -> Bool {
            judge(
                .notBothConfirmedAndUndone,
                [
                    .order: "id\na", .payment: "order_id\n\(payment)",
                    .product: "order_id\n\(product)",
                ]
            )
        }
        #expect(judged("b", "c"))
        #expect(!judged("a", "c"))
        #expect(!judged("b", "a"))
    }

    @Test func `a cancelled order whose money or stock is not back fails`() {
        func judged(_ payment: String, _ product: String) -> Bool {
            judge(
                .cancelledIsUndone,
                [
                    .order: "id,total_cents\na,100\nb,200",
                    .payment: "order_id,refunded_cents\n\(payment)",
                    .product: "order_id\n\(product)",
                ]
            )
        }
        #expect(judged("b,200\na,100\nc,5", "c\nb\na"))
        #expect(!judged("a,100", "a\nb"))
        #expect(!judged("a,100\nb,199", "a\nb"))
        #expect(!judged("a,100\nb,200", "a"))
    }

    @Test func `an ended order without an event, with two or with a wrong one fails`() {
        let head = "ended,silent,repeated,wrong\n"
        #expect(judge(.oneOutcomeEvent, [.order: head + "5,0,0,0"]))
        for figures in ["5,1,0,0", "5,0,1,0", "5,0,0,1"] {
            #expect(!judge(.oneOutcomeEvent, [.order: head + figures]))
        }
    }

    @Test func `an event that took effect twice, or not at all, or without happening fails`() {
        func judged(_ told: String) -> Bool {
            judge(
                .notifiedOnce,
                [
                    .order: "event_id\na\nb", .payment: "event_id\nr",
                    .notification: "event_id,times\n\(told)",
                ]
            )
        }
        #expect(judged("b,1\na,1\nr,1"))
        #expect(!judged("a,1\nb,2\nr,1"))
        #expect(!judged("a,1\nr,1"))
        #expect(!judged("a,1\nb,1"))
        #expect(!judged("a,1\nb,1\nr,1\nc,1"))
    }

    @Test func `a payment that told what it is not, and a difference that is open, fail`() {
        #expect(judge(.paymentsTold, [.payment: "payments,wrong\n5,0"]))
        #expect(!judge(.paymentsTold, [.payment: "payments,wrong\n5,1"]))
        #expect(judge(.noDifferenceOpen, [.payment: "open,repaired\n0,7"]))
        #expect(!judge(.noDifferenceOpen, [.payment: "open,repaired\n1,0"]))
    }

    @Test func `a statement that fails says so and does not spoil the others`() {
        let invariants: [Invariant] = [.ledgerBalances, .stockConserved]
        let answers: [ServiceName: Oracle.Answer] = [
            .payment: .init(sections: [:], complaint: "ERROR: no such table"),
            .product: .init(
                sections: Oracle.sections(
                    "@@1\ndelivered,available,held,products,wrong\n1,1,0,1,0\n"
                ),
                complaint: ""
            ),
        ]
        let findings = invariants.enumerated().map { Oracle.finding($1, $0, answers) }
        #expect(findings.map(\.holds) == [false, true])
        #expect(findings[0].figures.contains("no such table"))
    }

    @Test func `each database is read in one snapshot that cannot write`() {
        let script = Oracle.script(Invariant.all, .payment)
        #expect(script.contains("REPEATABLE READ READ ONLY"))
        #expect(script.contains("@@1\n"))
        #expect(Oracle.script(Invariant.all, .gateway).isEmpty)
    }

    @Test func `the report ends with one line that says it all`() throws {
        let good = Oracle.Finding(name: "a", holds: true, figures: "1 = 1")
        let bad = Oracle.Finding(name: "b", holds: false, figures: "1 = 2")
        #expect(Verify.text([good]).hasSuffix("everything adds up"))
        #expect(Verify.text([good, bad]).hasSuffix("1 of 2 do not hold"))
        #expect(try Verify.json([good, bad]).contains("\"holds\" : false"))
    }
}
