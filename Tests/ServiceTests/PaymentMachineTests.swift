import Contracts
import Testing

@testable import PaymentService

/// Every purpose × every status × every event: 2 × 7 × 16 = 224 cells, each spelled by a rule here.
@Suite struct PaymentMachineTests {
    typealias Machine = PaymentMachine

    static let learned: [Machine.Event] = [
        .charged(intent: "pi_1"), .declined(code: "lost_card"), .fenced(intent: "pi_2"), .keyTaken,
        .absent, .cancelled, .refunded(refund: "re_1"), .busy, .unknown,
    ]

    /// What a machine does with a row it finds; it must not depend on what it saw before.
    static let found: [Machine.Purpose: [PaymentStatus: Machine.Action]] = [
        .charge: [
            .processing: .charge,
            .captured: .answer(.captured),
            .declined: .answer(.declined),
            .voiding: .answer(.refusedByVoid),
            .refunding: .answer(.refusedByVoid),
            .voided: .answer(.refusedByVoid),
            .refunded: .answer(.refusedByVoid),
        ],
        .void: [
            .processing: .record(.startVoid),
            .captured: .record(.startRefund),
            .declined: .answer(.voided),
            .voiding: .fence,
            .refunding: .refund,
            .voided: .answer(.voided),
            .refunded: .answer(.refunded),
        ],
    ]

    /// What it does with an answer it asked for; everything that is not here proves nothing.
    static func expected(
        _ purpose: Machine.Purpose,
        _ status: PaymentStatus,
        _ event: Machine.Event
    ) -> Machine.Action {
        switch (purpose, status, event) {
        case (_, _, .busy): .pause
        case (.charge, .processing, .charged): .record(.capture(intent: "pi_1"))
        case (.charge, .processing, .declined): .record(.decline(code: "lost_card"))
        case (.charge, .processing, .keyTaken): .pause
        case (.charge, .processing, .absent): .charge
        case (.void, .voiding, .absent): .fence
        case (.void, .voiding, .fenced): .cancel(intent: "pi_2")
        case (.void, .voiding, .cancelled): .record(.void(code: nil))
        case (.void, .voiding, .keyTaken): .charge
        case (.void, .voiding, .charged): .record(.captureToRefund(intent: "pi_1"))
        case (.void, .voiding, .declined): .record(.void(code: "lost_card"))
        case (.void, .refunding, .refunded): .record(.refund(refund: "re_1"))
        default: .answer(.unknown)
        }
    }

    @Test func `every cell of the table is as the rules say`() throws {
        for purpose in Machine.Purpose.allCases {
            for status in PaymentStatus.allCases {
                var machine = Machine(purpose)
                let first = machine.handle(.found(status))
                #expect(first == Self.found[purpose]?[status], "\(purpose) finds \(status)")
                for next in PaymentStatus.allCases {
                    var copy = machine
                    let action = copy.handle(.found(next))
                    #expect(action == Self.found[purpose]?[next], "\(purpose) \(status) → \(next)")
                }
                for event in Self.learned {
                    var copy = machine
                    let action = copy.handle(event)
                    let rule = Self.expected(purpose, status, event)
                    #expect(action == rule, "\(purpose) in \(status) learns \(event)")
                }
            }
        }
    }

    @Test func `a key that may be forgotten is looked up before it is used, and nothing else`() {
        for purpose in Machine.Purpose.allCases {
            for status in PaymentStatus.allCases {
                var machine = Machine(purpose)
                let fresh = machine.handle(.found(status))
                let stale = machine.handle(.found(status, keyIsFresh: false))
                #expect(stale == (fresh == .charge || fresh == .fence ? .lookUp : fresh))
                if stale == .lookUp { #expect(machine.handle(.absent) == fresh) }
            }
        }
    }

    @Test func `every change starts from the status in which it is decided`() {
        for purpose in Machine.Purpose.allCases {
            for status in PaymentStatus.allCases {
                var machine = Machine(purpose)
                var actions = [machine.handle(.found(status))]
                for event in Self.learned {
                    var copy = machine
                    actions.append(copy.handle(event))
                }
                for case .record(let change) in actions { #expect(change.from == status) }
            }
        }
    }

    @Test func `a charge never moves a payment whose void was decided`() {
        for status in [PaymentStatus.voiding, .voided, .refunding, .refunded] {
            var machine = Machine(.charge)
            #expect(machine.handle(.found(status)) == .answer(.refusedByVoid))
            for event in Self.learned where event != .busy {
                var copy = machine
                #expect(copy.handle(event) == .answer(.unknown))
            }
        }
    }

    @Test func `a rival is waited for a bounded number of times`() {
        var machine = Machine(.charge)
        _ = machine.handle(.found(.processing))
        for _ in 0..<Machine.maxPauses {
            #expect(machine.handle(.busy) == .pause)
            #expect(machine.handle(.found(.processing)) == .charge)
        }
        #expect(machine.handle(.busy) == .answer(.unknown))
    }

    @Test func `no path of changes captures without a ledger row or refunds what was not captured`()
    {
        var paths: [(status: PaymentStatus, kinds: [LedgerTransaction.Kind])] = [(.processing, [])]
        let changes: [PaymentChange] = [
            .capture(intent: "pi"), .decline(code: "x"), .startVoid, .startRefund,
            .void(code: nil), .captureToRefund(intent: "pi"), .refund(refund: "re"),
        ]
        var ends: Set<String> = []
        while let path = paths.popLast() {
            let next = changes.filter { $0.from == path.status }
            if next.isEmpty { ends.insert("\(path.status) \(path.kinds.map(\.rawValue))") }
            for change in next {
                let kind = change.ledger(cents: 100)?.kind
                paths.append((change.to, path.kinds + (kind.map { [$0] } ?? [])))
            }
        }
        #expect(
            ends == ["declined []", "voided []", #"refunded ["capture", "refund"]"#]
        )
    }

    @Test func `a customer never sees a decision before its result`() {
        #expect(PaymentStatus.voiding.visible == .processing)
        #expect(PaymentStatus.refunding.visible == .captured)
        for status in PaymentStatus.allCases where status != .voiding && status != .refunding {
            #expect(status.visible == status)
        }
    }
}

@Suite struct PaymentLedgerTests {
    @Test(arguments: [1, 99, 1_999, 99_999_999] as [Int64])
    func `both sides of a transaction add up to zero`(cents: Int64) {
        for transaction in [LedgerTransaction.capture(cents: cents), .refund(cents: cents)] {
            #expect(transaction.entries.map(\.amountCents).reduce(0, +) == 0)
            #expect(Set(transaction.entries.map(\.account)).count == 2)
        }
    }

    @Test func `a capture debits the provider and a refund reverses it`() {
        let capture = LedgerTransaction.capture(cents: 500).entries
        #expect(capture.first == LedgerEntry(account: .providerClearing, amountCents: 500))
        #expect(capture.last == LedgerEntry(account: .customerReceipts, amountCents: -500))
        let both = capture + LedgerTransaction.refund(cents: 500).entries
        for account in LedgerAccount.allCases {
            #expect(both.filter { $0.account == account }.map(\.amountCents).reduce(0, +) == 0)
        }
    }
}

@Suite struct PaymentMethodTests {
    @Test(arguments: ["pm_card_visa", "pm_1MtwBwLkdIwHu7ix28a3tqPa", "pm_x", "pm_123"])
    func `a token is taken`(token: String) {
        #expect(PaymentMethod(token)?.token == token)
    }

    @Test(arguments: [
        "", "pm_", "card_visa", "4242424242424242", "pm_4242424242424242", "pm_card visa", "pm_é",
        "PM_card_visa", "pm_card-visa", "pm_\u{0}", "pm_a\r\nx",
        "pm_" + String(repeating: "a", count: 98),
    ])
    func `anything else is refused`(token: String) {
        #expect(PaymentMethod(token) == nil)
    }

    @Test func `a method does not print its token`() {
        #expect(PaymentMethod("pm_card_visa").map { "\($0)" } == "pm_…")
    }
}
