internal import Glibc

/// `stack crash`: breaks a checkout at every point that there is, and checks each time that
/// everything adds up.
struct Crash {
    let options: CrashOptions

    /// Prints the table; 1 when anything did not hold.
    func run() throws(StackError) -> Int32 {
        Interrupts.block()
        let began = ContinuousClock.now
        let folder = try folder()
        let stack = try CrashStack(folder, executables: options.executables)
        do throws(StackError) {
            let code = try run(on: stack, since: began)
            if options.keeps {
                Terminal.note("the stack stays: stack ps --data \(folder)")
            } else {
                try stack.down()
            }
            return code
        } catch {
            if !options.keeps { try stack.down() }
            throw error
        }
    }

    private func run(
        on stack: CrashStack,
        since began: ContinuousClock.Instant
    ) throws(StackError) -> Int32 {
        var shopper = try CrashShopper(port: stack.port("gateway"), layout: stack.layout)
        let matrix = CrashMatrix(traces: try watch(stack, shopper))
        let cases = choose(matrix)
        Terminal.note("\(cases.count) cases, seed \(options.seed)")
        var table = CrashTable()
        var signedIn = ContinuousClock.now
        for (number, item) in cases.enumerated() {
            if ContinuousClock.now - signedIn > .seconds(300) {
                try shopper.signIn()
                signedIn = .now
            }
            let run = CrashRun(stack: stack, shopper: shopper, matrix: matrix, tag: "crash")
            let start = ContinuousClock.now
            let outcome = try run.run(item, number: "\(number)")
            let label = matrix.label(item)
            table.add(item, label: label, outcome)
            report(item, label, outcome, took: ContinuousClock.now - start)
            if !outcome.violations.isEmpty, options.stopsAtFirst { break }
        }
        Terminal.say(table.text)
        return conclude(table, took: ContinuousClock.now - began)
    }

    /// Lets every scenario run undisturbed once more than needed: the first opens the connections.
    private func watch(
        _ stack: CrashStack,
        _ shopper: CrashShopper
    ) throws(StackError) -> [CrashVictim: [CrashScenario: [CrashStep]]] {
        let empty = CrashMatrix(traces: [:])
        let run = CrashRun(stack: stack, shopper: shopper, matrix: empty, tag: "watch")
        var traces: [CrashVictim: [CrashScenario: [CrashStep]]] = [:]
        for round in 1...2 {
            for scenario in CrashScenario.allCases {
                let outcome = try run.observe(scenario, round: round)
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
        for victim in CrashVictim.allCases {
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
        if let sample = options.sample {
            return matrix.sample(sample, seed: options.seed).filter(wanted)
                + matrix.pairs(sample / 8, seed: options.seed).filter(wanted)
        }
        return matrix.cases().filter(wanted)
            + matrix.pairs(options.pairs, seed: options.seed).filter(wanted)
    }

    private func report(
        _ item: CrashCase,
        _ label: String,
        _ outcome: CrashRun.Outcome,
        took: Duration
    ) {
        let verdict = outcome.violations.isEmpty ? "ok" : "FAIL"
        let reached = outcome.isReached ? "" : ", not reached"
        if options.isVerbose || !outcome.violations.isEmpty {
            Terminal.note(
                "\(verdict)  \(item)  (\(label))  \(outcome.answer)\(reached)  \(Up.text(took))"
            )
        }
        for violation in outcome.violations { Terminal.note("      \(violation)") }
    }

    private func conclude(_ table: CrashTable, took: Duration) -> Int32 {
        for failure in table.failures {
            Terminal.say("FAIL \(failure.item) (\(failure.label))")
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
    /// So many kills during recoveries.
    var pairs = 200
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
        pairs = try words.number("--pairs", 0...100_000) ?? pairs
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
