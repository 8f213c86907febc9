internal import HTTP

/// What chaos will do, and when: decided before anything is broken, the same for the same seed.
struct ChaosPlan: Sendable, Equatable {
    /// One thing that is broken for a while.
    struct Trouble: Sendable, Equatable {
        enum Kind: Sendable, Equatable {
            case kill
            case pause
            /// A rule for `/faults`, and what it does in a few words.
            case fault(JSONValue, String)
        }

        var kind: Kind
        var target: Member
        /// Since the start.
        var at: Double
        var lasts: Double

        var line: String {
            let what =
                switch kind {
                case .kill: "killed"
                case .pause: "paused"
                case .fault(_, let words): words
                }
            return "\(target.name) \(what) for \(Int(lasts.rounded())) s"
        }
    }

    /// How many seconds there are trouble for, unless told otherwise.
    static let usual = 300
    /// In fewer seconds the first trouble may be one that does not end in time.
    static let least = 13

    let troubles: [Trouble]

    /// Troubles one after the other, with a breath between them, and now and then two at a time.
    ///
    /// - Parameter seconds: how long; the last trouble has ended by then.
    init(seed: UInt64, seconds: Double, members: [Member], takesFaults: Bool) {
        var random = SplitMix(state: seed)
        // Clients have one gateway, and what they see without it proves nothing.
        let targets = members.filter { $0.service != "gateway" }
        var troubles: [Trouble] = []
        var now = 2.0
        while let target = targets.randomElement(using: &random) {
            let lasts = Double.random(in: 2...8, using: &random)
            guard now + lasts + 2 < seconds else { break }
            troubles.append(
                Trouble(
                    kind: Self.kind(target, takesFaults, &random, named: "chaos-\(troubles.count)"),
                    target: target,
                    at: now,
                    lasts: lasts
                )
            )
            let isAlone = UInt8.random(in: 0..<4, using: &random) > 0
            now += isAlone ? lasts + Double.random(in: 1...4, using: &random) : 0.5
        }
        self.troubles = troubles
    }

    private static func kind(
        _ target: Member,
        _ takesFaults: Bool,
        _ random: inout SplitMix,
        named name: String
    ) -> Trouble.Kind {
        // PostgreSQL takes no faults, and neither does a platform that was started without them.
        let choices = takesFaults && !target.isDatabase ? 4 : 2
        switch Int.random(in: 0..<choices, using: &random) {
        case 0: return .kill
        case 1: return .pause
        default:
            var (fault, words) = faults[Int.random(in: 0..<faults.count, using: &random)]
            // So that mending one of two troubles of a process leaves the other.
            fault["name"] = .string(name)
            return .fault(.object(fault), words)
        }
    }

    private static let faults: [([String: JSONValue], String)] = [
        (["drop_reply": true, "percent": 30], "loses 30% of its answers"),
        (["drop_request": true, "percent": 30], "loses 30% of its requests"),
        (["error": 503, "percent": 40], "answers 40% with 503"),
        (["latency_ms": ["uniform": [50, 800]]], "is 50 to 800 ms slower"),
        (["duplicate": true, "percent": 50], "does 50% of its work twice"),
        (["reset": true, "percent": 20], "resets 20% of its connections"),
        (["clock_offset_ms": 20_000], "has a clock 20 s ahead"),
    ]
}

/// A small generator whose sequence depends on its seed alone (Steele, Lea, Flood: SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
