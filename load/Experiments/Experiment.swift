internal import Reactor

/// Something that is broken on purpose, watched, mended and judged.
enum Experiment {
    /// Runs it; whether what was expected came true.
    static func run(_ name: ExperimentName, _ options: Options) async throws -> Bool {
        var options = options
        let history = HistoryPlace(options.history)
        defer { history.clear() }
        options.history = history.path
        switch name {
        case .breaker:
            options.rate = options.rate ?? 20
            return try await BreakerWalk(stage(options)).run()
        case .chaos:
            options.rate = options.rate ?? 30
            return try await Chaos(stage(options)).run()
        case .ablation(let variants):
            options.rate = options.rate ?? 30
            return try await Ablation(variants, options).run()
        case .cap:
            options.rate = options.rate ?? 20
            return try await Partition(stage(options)).run()
        case .clocks:
            options.rate = options.rate ?? 10
            return try await SkewedClocks(stage(options)).run()
        case .fallacy(let number):
            options.rate = options.rate ?? 30
            guard let fallacy = Fallacy.all.first(where: { $0.number == number }) else {
                return false
            }
            return try await fallacy.run(stage(options))
        }
    }

    private static func stage(_ options: Options) async throws -> Stage {
        let stage = try await Stage(options)
        try await stage.settle()
        return stage
    }
}

/// What every experiment needs: a platform, customers, and a way to say what happens.
struct Stage: Sendable {
    let options: Options
    let session: Session
    let platform: any Platform
    let members: [Member]
    let admin = Admin()
    let history: String

    /// Registers customers and finds the platform; breaks nothing yet.
    init(_ options: Options) async throws {
        var settings = options
        guard let history = options.history else {
            throw Shop.Failed(description: "an experiment needs a history")
        }
        self.history = history
        settings.accounts = options.accounts ?? 8
        self.options = options
        guard let platform = try Session.platform(options.platform) else {
            throw Shop.Failed(description: "say where the platform is: --data .anyway or --compose")
        }
        self.platform = platform
        members = try await platform.members()
        session = try await Session(settings)
    }

    /// The members of a service.
    func members(of service: String) -> [Member] { members.filter { $0.service == service } }

    /// Takes back whatever faults there are.
    func clearFaults() async {
        await mending {
            // A container that was started again may have another address.
            let now = (try? await platform.members()) ?? members
            await withTaskGroup(of: Void.self) { group in
                for member in now { group.addTask { await admin.clear(member) } }
            }
        }
    }

    /// Runs to its end even when the experiment is stopped in the middle: what was broken is mended.
    func mending(_ body: @escaping @Sendable () async -> Void) async {
        await Task(executorPreference: EventLoop.required) { await body() }.value
    }

    /// Sends customers at the chosen rate while `body` breaks things; when it returns nobody more is sent, and
    /// those who wait are waited for.
    func underLoad<Value: Sendable>(
        mix: Mix = Mix(.checkout),
        by customers: [Customer]? = nil,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let traffic = Traffic(
            mix: mix,
            pattern: .arrivals(
                .constant(Double(options.rate ?? 30), seconds: 86_400),
                poisson: true
            ),
            customers: customers ?? session.customers,
            recorder: session.recorder
        )
        return try await traffic.run(beside: body)
    }

    /// Breaks something under load, does `body` meanwhile, and mends it whatever happens.
    func whileBroken<Value: Sendable>(
        mix: Mix = Mix(.checkout),
        undo: (@Sendable () async -> Void)? = nil,
        _ broken: @escaping @Sendable () async throws -> Void,
        during body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await whileBroken(mix: mix, undo: undo) {
            try await broken()
            return try await body()
        }
    }

    /// Does `body`, which breaks something, under load, and mends it whatever happens.
    func whileBroken<Value: Sendable>(
        mix: Mix = Mix(.checkout),
        undo: (@Sendable () async -> Void)? = nil,
        during body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let mend: @Sendable () async -> Void = {
            await mending { if let undo { await undo() } else { await clearFaults() } }
        }
        do {
            let value = try await underLoad(mix: mix, body)
            await mend()
            return value
        } catch {
            await mend()
            throw error
        }
    }

    /// Says every few seconds how customers are answered.
    func report(every pause: Int, for seconds: Int) async throws {
        for second in stride(from: pause, through: seconds, by: pause) {
            try await EventLoop.sleep(for: .seconds(pause))
            let window = session.recorder.takeWindow()
            Terminal.say(
                Figure.padded("\(second) s", 6) + "  p99 "
                    + "\(Figure.milliseconds(window.latencies.percentile(0.99))) ms  "
                    + Figure.mix(window.outcomes)
            )
        }
    }

    /// Whether the platform's processes take faults.
    func takesFaults() async -> Bool {
        guard let member = members.first(where: { $0.admin != nil }) else { return false }
        return (try? await admin.rules(of: member)) != nil
    }

    /// Lets the oracle judge, with what customers saw; prints what it says.
    func verify() async throws -> Bool {
        try session.history?.close()
        let outcome = try await platform.verify(wait: 90, history: history)
        let lines = outcome.text.split(separator: "\n").map { "  \($0)" }
        let kept = lines.count { $0.hasPrefix("  ok ") }
        // What holds is one line; what does not is told in full.
        Terminal.say(
            outcome.succeeded
                ? "  \(kept) of \(kept) invariants of stack verify hold: everything adds up"
                : lines.joined(separator: "\n")
        )
        return outcome.succeeded
    }

    /// The last line of every experiment.
    func conclude(_ holds: Bool, _ why: String) -> Bool { Self.conclude(holds, why) }

    /// The same where there is no stage any more.
    static func conclude(_ holds: Bool, _ why: String) -> Bool {
        Terminal.say("\n\(holds ? "PASS" : "FAIL")  \(why)")
        return holds
    }
}
