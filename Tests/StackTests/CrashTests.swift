import Testing

@testable import Stack

/// What the crash matrix is made of; EndToEndTests runs a part of it.
@Suite struct `The crash matrix` {
    private let matrix = CrashMatrix(traces: [
        .order: [
            .success: [
                CrashStep(call: .read, edge: "order"), CrashStep(call: .write, edge: "postgres"),
                CrashStep(call: .write, edge: "payment"), CrashStep(call: .read, edge: "order"),
            ]
        ],
        .postgres: [.declined: [CrashStep(call: .sync, edge: "file")]],
    ])

    @Test(arguments: [
        "order/success/kill-before/write.product.2", "postgres/out-of-stock/kill-after/sync.file.1",
        "payment/failing-undo/late/write.provider.3", "product/declined/duplicate/2+order/11",
        "order/cancel/pause/write.postgres.2",
    ])
    func `a case reads back as it was written`(text: String) throws {
        #expect(try CrashCase(text).description == text)
    }

    @Test(arguments: [
        "", "order", "order/success/kill-before", "order/success/kill-before/0",
        "gateway/success/kill-before/1", "order/luck/kill-before/1", "order/success/burn/1",
        "order/success/kill-before/1+", "order/success/kill-before/1+payment",
        "order/success/kill-before/1+payment/2+order/3", "order/success/kill-before/x",
        "order/success/kill-before/write.product", "order/success/kill-before/write..1",
        "order/success/kill-before/push.product.1", "order/success/kill-before/write.product.0",
    ])
    func `what names no case is refused`(text: String) {
        #expect(throws: StackError.self) { try CrashCase(text) }
    }

    @Test func `every call gets every fault that can happen to it`() {
        let all = matrix.cases().filter { $0.fault != .duplicate }.map(\.description)
        #expect(
            Set(all) == [
                "order/success/kill-before/read.order.1",
                "order/success/kill-after/read.order.1",
                "order/success/lost/read.order.1",
                "order/success/kill-before/read.order.2",
                "order/success/kill-after/read.order.2",
                "order/success/lost/read.order.2",
                "order/success/kill-before/write.postgres.1",
                "order/success/kill-after/write.postgres.1",
                "order/success/lost/write.postgres.1",
                "order/success/cut/write.postgres.1",
                "order/success/reset/write.postgres.1",
                "order/success/pause/write.postgres.1",
                "order/success/kill-before/write.payment.1",
                "order/success/kill-after/write.payment.1",
                "order/success/lost/write.payment.1",
                "order/success/cut/write.payment.1",
                "order/success/reset/write.payment.1",
                "order/success/late/write.payment.1",
                "order/success/pause/write.payment.1",
                "postgres/declined/kill-before/sync.file.1",
                "postgres/declined/kill-after/sync.file.1",
            ]
        )
        #expect(all.count == Set(all).count)
    }

    @Test func `participants are asked twice, and told to undo only what is undone`() throws {
        let repeats = matrix.cases().filter { $0.fault == .duplicate }
        #expect(Set(repeats.map(\.victim)) == [.product, .payment])
        let labels = { (scenario: CrashScenario) in
            Set(repeats.filter { $0.scenario == scenario }.map(CrashMatrix.label))
        }
        #expect(
            labels(.success) == [
                "reserve again, at once", "charge again, at once", "reserve again, later",
                "charge again, later",
            ]
        )
        #expect(
            CrashRepeat.all(.outOfStock).map(\.request) == [.reserve, .reserve, .release],
            "payment was never asked"
        )
        #expect(labels(.declined).isSuperset(of: ["refund again, later", "release again, later"]))
        #expect(
            labels(.cancel) == [
                "refund again, at once", "release again, at once", "reserve again, later",
                "charge again, later", "refund again, later", "release again, later",
            ]
        )
    }

    @Test func `a seed always chooses the same cases, another one others`() {
        let once = matrix.sample(9, seed: 7)
        #expect(once.count == 9)
        #expect(once == matrix.sample(9, seed: 7))
        #expect(once != matrix.sample(9, seed: 8))
        #expect(matrix.sample(1_000, seed: 1).count == matrix.cases().count)
        #expect(Set(matrix.sample(1_000, seed: 1)) == Set(matrix.cases()))
        let pairs = matrix.pairs(20, seed: 7)
        #expect(pairs == matrix.pairs(20, seed: 7))
        #expect(pairs.count == 20 && pairs.allSatisfy { $0.fault.isKill && $0.again != nil })
    }

    @Test func `a sample goes round the kinds before it takes a second of one`() {
        let kinds = Set(matrix.cases().map { "\($0.victim)/\($0.scenario)/\($0.fault)" })
        let first = matrix.sample(kinds.count, seed: 3)
        #expect(Set(first.map { "\($0.victim)/\($0.scenario)/\($0.fault)" }) == kinds)
    }

    @Test func `a violation fails the table and names its case`() throws {
        var table = CrashTable()
        var good = CrashRun.Outcome()
        good.isReached = true
        var bad = good
        bad.violations = ["at most one capture per order: 1 charged twice here"]
        table.add(try CrashCase("order/success/kill-before/1"), good)
        #expect(table.failures.isEmpty)
        table.add(try CrashCase("order/success/kill-before/2"), bad)
        #expect(table.failures.map(\.item.description) == ["order/success/kill-before/2"])
        #expect(table.text.contains("1 of 2 FAIL"))
        #expect(table.runs == 2 && table.unreached == 0)
    }

    @Test func `an answer is definite only when it says how the order came out`() {
        func read(_ status: Int, _ type: String = "") -> CrashShopper.Answer {
            CrashShopper.read(
                LoopbackResponse(status: status, body: Array(#"{"type":"\#(type)"}"#.utf8))
            )
        }
        #expect(CrashShopper.read(nil) == .pending)
        #expect(read(201) == .confirmed)
        #expect(read(202) == .pending)
        #expect(read(503) == .pending)
        #expect(read(402, "/problems/card-declined") == .declined)
        #expect(read(409, "/problems/out-of-stock") == .outOfStock)
        #expect(read(409, "/problems/order-pending") == .pending)
        #expect(read(504, "/problems/order-timed-out") == .timedOut)
        #expect(read(504, "/problems/gateway-timeout") == .pending)
        guard case .other = read(422) else {
            Issue.record("422 answers no checkout of ours")
            return
        }
    }

    @Test func `a cancellation is over when the order is cancelled`() {
        func read(_ status: Int, _ json: String) -> CrashShopper.Answer {
            CrashShopper.read(
                cancellation: LoopbackResponse(status: status, body: Array(json.utf8))
            )
        }
        #expect(CrashShopper.read(cancellation: nil) == .pending)
        #expect(read(200, #"{"id":"x","status":"cancelled"}"#) == .cancelled)
        #expect(read(202, #"{"id":"x","status":"cancelling"}"#) == .pending)
        #expect(read(409, #"{"type":"/problems/order-pending","status":409}"#) == .pending)
        for (status, json) in [
            (200, #"{"status":"confirmed"}"#),
            (409, #"{"type":"/problems/order-not-cancellable"}"#),
        ] {
            guard case .other = read(status, json) else {
                Issue.record("\(status) \(json) ends no cancellation")
                continue
            }
        }
    }

    @Test func `the command line chooses cases`() throws {
        let line =
            "crash --seed 9 --case order/success/cut/write.product.2 --times 3 --only order,postgres --data /tmp/c"
        let invocation = try Invocation(line.split(separator: " ").map(String.init))
        var options = CrashOptions()
        options.seed = 9
        let step = CrashStep(call: .write, edge: "product")
        options.only = CrashCase(.order, .success, .cut, .call(step, 2))
        options.times = 3
        options.victims = [.order, .postgres]
        options.folder = "/tmp/c"
        #expect(invocation.command == .crash(options))
        #expect(throws: StackError.self) { try Invocation(["crash", "--only", "gateway"]) }
        #expect(throws: StackError.self) { try Invocation(["crash", "--case", "everything"]) }
    }
}
