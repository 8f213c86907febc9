internal import Glibc

/// `stack crash`: breaks a checkout at every point that there is, and checks each time that
/// everything adds up.
struct Crash {
    let options: CrashOptions

    /// Prints the table; 1 when anything did not hold.
    func run() throws(StackError) -> Int32 {
        Interrupts.block()
        let began = ContinuousClock.now
        let twins = options.only?.fault == .pause
        var shop = try Shop(folder(), options, twins: twins)
        do throws(StackError) {
            let matrix = CrashMatrix(traces: try watch(shop))
            let table = try breakIt(choose(matrix), &shop)
            Terminal.say(table.text)
            if options.keeps {
                Terminal.note("the stack stays: stack ps --data \(shop.stack.layout.root)")
            } else {
                try shop.stack.down()
            }
            return conclude(table, took: ContinuousClock.now - began)
        } catch {
            if !options.keeps { try shop.stack.down() }
            throw error
        }
    }

    /// A stack and a customer who is signed in.
    private struct Shop {
        let stack: CrashStack
        /// Whether it has two order replicas.
        let twins: Bool
        private var shopper: CrashShopper
        private var signedIn = ContinuousClock.now

        init(_ folder: String, _ options: CrashOptions, twins: Bool) throws(StackError) {
            self.twins = twins
            stack = try CrashStack(folder, executables: options.executables, twins: twins)
            shopper = try CrashShopper(port: stack.port("gateway"), layout: stack.layout)
            guard twins else { return }
            // Either replica opens its connections, as a lone one does while it is watched.
            for round in 1...6 {
                _ = try run("twin").observe(.success, round: round)
            }
        }

        mutating func run(_ tag: String) throws(StackError) -> CrashRun {
            if ContinuousClock.now - signedIn > .seconds(300) {
                try shopper.signIn()
                signedIn = .now
            }
            return CrashRun(stack: stack, shopper: shopper, tag: tag)
        }
    }

    private func breakIt(_ cases: [CrashCase], _ shop: inout Shop) throws(StackError) -> CrashTable
    {
        Terminal.note("\(cases.count) cases, seed \(options.seed)")
        var table = CrashTable()
        for (number, item) in cases.enumerated() {
            if (item.fault == .pause) != shop.twins {
                let folder = shop.stack.layout.root
                try shop.stack.down()
                shop = try Shop(folder, options, twins: !shop.twins)
            }
            let start = ContinuousClock.now
            let outcome = try shop.run("crash").run(item, number: "\(number)")
            table.add(item, outcome)
            report(item, outcome, took: ContinuousClock.now - start)
            if outcome.violations.isEmpty { continue }
            if options.stopsAtFirst { break }
            // What does not add up now never will; the cases that follow begin with a clean slate.
            let folder = shop.stack.layout.root
            let logs = "\(folder)-logs-\(number)"
            // Safe: both paths are lent to the kernel for the length of the call.
            if unsafe rename(shop.stack.layout.logs, logs) == 0 {
                Terminal.note("      what the processes wrote stays in \(logs)")
            }
            try shop.stack.down()
            shop = try Shop(folder, options, twins: shop.twins)
        }
        return table
    }

    /// Lets every scenario run undisturbed once more than needed: the first opens the connections.
    ///
    /// A case that is given needs the open connections alone.
    private func watch(
        _ shop: Shop
    ) throws(StackError) -> [CrashVictim: [CrashScenario: [CrashStep]]] {
        var shop = shop
        var traces: [CrashVictim: [CrashScenario: [CrashStep]]] = [:]
        let isGiven = options.only != nil
        for round in isGiven ? 1...1 : 1...2 {
            for scenario in isGiven ? [CrashScenario.success] : CrashScenario.allCases {
                let outcome = try shop.run("watch").observe(scenario, round: round)
                guard outcome.violations.isEmpty else {
                    throw .refused(
                        "\(scenario.rawValue) without a fault: "
                            + outcome.violations.joined(separator: "; ")
                    )
                }
                for (victim, steps) in outcome.calls {
                    traces[victim, default: [:]][scenario] = steps
                }
            }
        }
        for victim in CrashVictim.allCases where !isGiven {
            let counts = CrashScenario.allCases.map {
                "\($0.rawValue) \(traces[victim]?[$0]?.count ?? 0)"
            }
            Terminal.note("calls of \(victim.rawValue): \(counts.joined(separator: ", "))")
        }
        return traces
    }

    private func choose(_ matrix: CrashMatrix) -> [CrashCase] {
        if let only = options.only { return Array(repeating: only, count: options.times) }
        let wanted = { (item: CrashCase) in
            options.victims.isEmpty || options.victims.contains(item.victim)
        }
        let pairs = options.pairs ?? options.sample.map { $0 / 8 } ?? 200
        let chosen = options.sample.map { matrix.sample($0, seed: options.seed) } ?? matrix.cases()
        let cases = (chosen + matrix.pairs(pairs, seed: options.seed)).filter(wanted)
        // Those that need a second replica come last: between the two kinds the stack is made anew.
        return cases.filter { $0.fault != .pause } + cases.filter { $0.fault == .pause }
    }

    private func report(
        _ item: CrashCase,
        _ outcome: CrashRun.Outcome,
        took: Duration
    ) {
        let verdict = outcome.violations.isEmpty ? "ok" : "FAIL"
        let reached = outcome.isReached ? "" : ", not reached"
        if options.isVerbose || !outcome.violations.isEmpty {
            Terminal.note(
                "\(verdict)  \(name(item))  \(outcome.answer)\(reached)  \(Up.text(took))"
            )
        }
        for violation in outcome.violations { Terminal.note("      \(violation)") }
    }

    private func name(_ item: CrashCase) -> String {
        let label = CrashMatrix.label(item)
        return label.isEmpty ? "\(item)" : "\(item) (\(label))"
    }

    private func conclude(_ table: CrashTable, took: Duration) -> Int32 {
        for failure in table.failures {
            Terminal.say("FAIL \(name(failure.item))")
            for violation in failure.violations { Terminal.say("     \(violation)") }
            Terminal.say("     again: make crash SEED=\(options.seed) CASE=\(failure.item)")
        }
        let failed = table.failures.count
        Terminal.say(
            "\(table.runs) cases, \(table.unreached) not reached, \(failed) violated, "
                + "\(Up.text(took)), seed \(options.seed)"
        )
        return failed == 0 ? 0 : 1
    }

    /// Memory, where there is room for it: a process that is killed loses nothing there that it would
    /// keep on a disk, and PostgreSQL's recovery does not wait for everybody else's writes.
    private func folder() throws(StackError) -> String {
        if let folder = options.folder { return folder }
        var info = statvfs()
        // Safe: info outlives the call; the path is lent to it.
        let known = unsafe statvfs("/dev/shm", &info) == 0
        let free = known ? UInt64(info.f_bavail) * UInt64(info.f_frsize) : 0
        let base = free > 2 << 30 ? "/dev/shm" : "/var/tmp"
        return "\(base)/anyway-crash-\(getpid())"
    }
}

/// How `stack crash` was asked to run.
struct CrashOptions: Equatable {
    var seed: UInt64 = 1
    /// One case alone, and how often.
    var only: CrashCase?
    var times = 1
    /// So many cases, chosen by the seed, instead of all.
    var sample: Int?
    /// So many kills during recoveries; unless given, 200, or an eighth of a sample.
    var pairs: Int?
    var victims: [CrashVictim] = []
    var folder: String?
    var executables: String?
    var keeps = false
    var isVerbose = false
    var stopsAtFirst = false

    init() {}

    /// Reads the flags of `crash`.
    init(_ words: inout Words, folder: String?) throws(StackError) {
        self.folder = folder.map(Files.absolute)
        if let seed = try words.number("--seed", 0...Int.max) { self.seed = UInt64(seed) }
        if let text = try words.value("--case") { only = try CrashCase(text) }
        times = try words.number("--times", 1...10_000) ?? 1
        sample = try words.number("--sample", 1...100_000)
        pairs = try words.number("--pairs", 0...100_000)
        for name in try words.value("--only")?.split(separator: ",") ?? [] {
            guard let victim = CrashVictim(rawValue: String(name)) else {
                let known = CrashVictim.allCases.map(\.rawValue).joined(separator: ", ")
                throw .usage("--only \(name): choose from \(known)")
            }
            victims.append(victim)
        }
        executables = try words.value("--executables").map(Files.absolute)
        keeps = words.flag("--keep")
        isVerbose = words.flag("--verbose")
        stopsAtFirst = words.flag("--first")
    }
}
