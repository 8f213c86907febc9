/// One call to the outside that a process made while a checkout went through it.
struct CrashStep: Hashable {
    /// What kind of call; the values are the bits of CrashPoints' control.h.
    enum Call: UInt32, CaseIterable {
        case read = 1
        case write = 2
        case connect = 4
        case accept = 8
        case sync = 16
        case file = 32
    }

    var call: Call
    /// Whom it went to or came from, `file` for a file.
    var edge: String
}

/// Which points there are: every call that one checkout makes in each process, times every fault that
/// can happen to such a call.
struct CrashMatrix {
    /// What was seen without faults.
    var traces: [CrashVictim: [CrashScenario: [CrashStep]]]

    /// Every case, in a fixed order.
    func cases() -> [CrashCase] {
        CrashVictim.allCases.flatMap { victim in
            CrashScenario.allCases.flatMap { scenario in
                points(victim, scenario) + repeats(victim, scenario)
            }
        }
    }

    /// What is asked again, for people; a call names itself.
    static func label(_ item: CrashCase) -> String {
        guard case .request(let number) = item.point else { return "" }
        let repeats = CrashRepeat.all(item.scenario)
        guard repeats.indices.contains(number - 1) else { return "" }
        let chosen = repeats[number - 1]
        return "\(chosen.request.rawValue) again, \(chosen.isAtOnce ? "at once" : "later")"
    }

    private func points(_ victim: CrashVictim, _ scenario: CrashScenario) -> [CrashCase] {
        var seen: [CrashStep: Int] = [:]
        return (traces[victim]?[scenario] ?? []).flatMap { step in
            let number = (seen[step] ?? 0) + 1
            seen[step] = number
            return CrashMatrix.faults(of: victim, at: step).map {
                CrashCase(victim, scenario, $0, .call(step, number))
            }
        }
    }

    /// What can happen at a call of a process.
    static func faults(of victim: CrashVictim, at step: CrashStep) -> [CrashFault] {
        var faults: [CrashFault] = [.killBefore, .killAfter]
        switch step.call {
        case .read: faults.append(.lost)
        case .write:
            faults += [.lost, .cut, .reset]
            // Only these requests change what a participant owns.
            let participants = ["product", "payment", "provider"]
            if participants.contains(step.edge), step.edge != victim.rawValue {
                faults.append(.late)
            }
            // A driver that asks or commits what is not its own any more.
            if victim == .order, step.edge != victim.rawValue { faults.append(.pause) }
        case .connect, .accept, .sync, .file: break
        }
        return faults
    }

    private func repeats(_ victim: CrashVictim, _ scenario: CrashScenario) -> [CrashCase] {
        CrashRepeat.all(scenario).enumerated().compactMap { index, item in
            let asked: CrashVictim =
                switch item.request {
                case .reserve, .release: .product
                case .charge, .refund: .payment
                }
            return asked == victim
                ? CrashCase(victim, scenario, .duplicate, .request(index + 1)) : nil
        }
    }

    /// So many cases, spread over victims, scenarios and faults; the same for the same seed.
    func sample(_ count: Int, seed: UInt64) -> [CrashCase] {
        var random = SeededNumbers(seed: seed)
        let cells = Dictionary(grouping: cases().shuffled(using: &random)) {
            "\($0.victim)/\($0.scenario)/\($0.fault)"
        }
        var queues = cells.sorted { $0.key < $1.key }.map(\.value)
        queues.shuffle(using: &random)
        var chosen: [CrashCase] = []
        while chosen.count < count, !queues.isEmpty {
            for index in queues.indices where chosen.count < count {
                if let next = queues[index].popLast() { chosen.append(next) }
            }
            queues.removeAll { $0.isEmpty }
        }
        return chosen
    }

    /// Cases with a second kill during the recovery from the first.
    func pairs(_ count: Int, seed: UInt64) -> [CrashCase] {
        var random = SeededNumbers(seed: seed &+ 1)
        let firsts = cases().filter { $0.fault.isKill }
        return (0..<count).compactMap { _ in
            guard var item = firsts.randomElement(using: &random) else { return nil }
            // Half of them hit the process that comes back, half another one that waits for it.
            let other = CrashVictim.allCases.randomElement(using: &random) ?? .order
            let isSame = Bool.random(using: &random)
            item.again = .init(
                victim: isSame ? item.victim : other,
                point: Int.random(in: 1...24, using: &random)
            )
            return item
        }
    }
}

/// Numbers that are the same for the same seed: SplitMix64 (Steele, Lea, Flood 2014).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
