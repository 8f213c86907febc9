internal import Contracts

/// What `load` is told to do.
enum Order: Sendable, Equatable {
    case help
    /// Send customers and say how they were served.
    case traffic(Options)
    /// Break something on purpose, show what happens, mend it, and judge.
    case experiment(ExperimentName, Options)

    /// Reads the words behind the program's name.
    ///
    /// - Throws: `Options.Invalid` naming the word.
    init(_ words: [String]) throws(Options.Invalid) {
        guard let command = words.first, !["help", "--help", "-h"].contains(command) else {
            self = .help
            return
        }
        var rest = words.dropFirst()
        if let scenario = Scenario(rawValue: command) {
            self = .traffic(try Options(rest, mix: Mix(scenario)))
        } else if command == "mixed" {
            self = .traffic(try Options(rest, mix: .everyday))
        } else {
            let name = try ExperimentName(command, &rest)
            let seconds = try Self.seconds(of: name, &rest)
            var options = try Options(rest, knowing: name.flags)
            if case .ablation = name, options.platform != .none {
                throw Options.Invalid(
                    description: "ablation starts stacks of its own, so it takes no --data and no "
                        + "--compose"
                )
            }
            if options.platform == .none { options.platform = .stack(".anyway") }
            if let seconds { options.seconds = seconds }
            if case .chaos = name, options.seconds < ChaosPlan.least {
                throw Options.Invalid(
                    description: "chaos takes \(ChaosPlan.least) seconds or more: in less "
                        + "nothing may break and be mended"
                )
            }
            self = .experiment(name, options)
        }
    }

    /// How long chaos lasts, where that is told in minutes or not at all; the others end by themselves.
    private static func seconds(
        of name: ExperimentName,
        _ rest: inout ArraySlice<String>
    ) throws(Options.Invalid) -> Int? {
        guard let index = rest.firstIndex(of: "--minutes") else {
            return name == .chaos && !rest.contains("--seconds") ? ChaosPlan.usual : nil
        }
        guard name == .chaos else {
            throw Options.Invalid(
                description: "--minutes is for chaos; the others end by themselves"
            )
        }
        guard index + 1 < rest.endIndex else {
            throw Options.Invalid(description: "--minutes needs a value; see load help")
        }
        let minutes = try Options.number("--minutes", rest[index + 1], 1...1440)
        rest.removeSubrange(index...(index + 1))
        return minutes * 60
    }
}

/// The experiments there are.
enum ExperimentName: Sendable, Equatable {
    case breaker
    case chaos
    /// One stack with every guard, then one without each of these groups.
    case ablation([[Guard]])
    /// Databases out of reach.
    case cap
    /// Clocks that are wrong.
    case clocks
    /// One of the eight fallacies of distributed computing, by its usual number.
    case fallacy(Int)

    /// The flags that it reads.
    fileprivate var flags: [String] {
        let platform = ["--data", "--compose"]
        let all = platform + ["--url", "--rate", "--accounts", "--history"]
        return switch self {
        case .chaos: all + ["--seed", "--seconds", "--minutes"]
        // It takes no platform, and says why.
        case .ablation: platform + ["--rate", "--accounts", "--seed"]
        case .breaker, .cap, .clocks, .fallacy: all
        }
    }

    fileprivate init(
        _ command: String,
        _ rest: inout ArraySlice<String>
    ) throws(Options.Invalid) {
        switch command {
        case "breaker": self = .breaker
        case "chaos": self = .chaos
        case "ablation": self = .ablation(try Self.guards(&rest))
        case "cap": self = .cap
        case "clocks": self = .clocks
        case "fallacy":
            let known = Fallacy.all.map { "\($0.number)" }.joined(separator: ", ")
            guard let word = rest.popFirst(), let number = Int(word),
                Fallacy.all.contains(where: { $0.number == number })
            else { throw Options.Invalid(description: "fallacy needs a number: \(known)") }
            self = .fallacy(number)
        default:
            throw Options.Invalid(
                description: "there is no '\(command)'; there are "
                    + Scenario.allCases.map(\.rawValue).joined(separator: ", ")
                    + ", mixed, breaker, chaos, ablation, cap, clocks and fallacy"
            )
        }
    }

    /// The guards that are named, such as `retries,breaker+retry-budget`.
    ///
    /// When none is, each alone, and the two that stand in for each other together.
    private static func guards(
        _ rest: inout ArraySlice<String>
    ) throws(Options.Invalid) -> [[Guard]] {
        guard let list = rest.first, !list.hasPrefix("--") else {
            return Guard.allCases.map { [$0] } + [[.breaker, .retryBudget]]
        }
        rest.removeFirst()
        var groups: [[Guard]] = []
        for group in list.split(separator: ",") {
            var guards: [Guard] = []
            for word in group.split(separator: "+") {
                guard let part = Guard(rawValue: String(word)) else {
                    throw Options.Invalid(
                        description: "'\(word)' is no guard; there are "
                            + Guard.allCases.map(\.rawValue).joined(separator: ", ")
                    )
                }
                guards.append(part)
            }
            groups.append(guards)
        }
        return groups
    }
}

/// What `load help` prints.
enum Help {
    static let text = """
        load: customers for the shop, and trouble for the platform

          load browse | search | cart | checkout | hot | sign-in | mixed
              [--url http://127.0.0.1:8080] [--seconds 10] [--accounts N] [--lines 3]
              [--users 8 [--think MS]]                  each waits for an answer, then thinks
              [--rate N [--to N | --spike N] [--poisson]]  so many a second, answered or not
              [--mix browse=60,search=30,checkout=10]
              [--data .anyway | --compose] [--history FILE] [--html FILE] [--json]

          load breaker [--rate 20]    payment fails; circuit breakers open, wait, probe, close
          load chaos [--minutes 5]    kills, pauses and faults at random under load, then verify
          load ablation [GUARD,…] [--seed N]
                                      each guard left out in turn, on stacks of its own: what it prevents
          load cap                    databases out of reach: what refuses, what goes on with old answers
          load clocks                 clocks that are wrong: what is still in order, and by what
          load fallacy N              one of these, shown to be false, and survived:
                                      1: the network is reliable
                                      2: latency is zero
                                      3: bandwidth is infinite
                                      4: the network is secure
                                      5: topology doesn't change
                                      6: there is one administrator
                                      7: transport cost is zero
                                      8: the network is homogeneous

        A visit to the cart puts things in, changes and removes some, merges what another device held,
        reads it, and one time in four checks out what is there; each request counts.

        Customers are registered first and buy what is in stock. With --data, the folder of a stack that
        is up, or --compose, enough stock is delivered first and the progress shows breakers and
        sagas; without, shelves run empty and 409 is a frequent answer. Without --url the gateway is
        the platform's own, or what listens on port 8080. Nothing but this machine and its containers
        is ever sent to.

        --rate begins requests at their own time and counts each one's time from when it was due, so
        waiting behind a slow one shows; --to ramps, --spike lifts the middle fifth, --poisson makes
        them independent. With --think, what users would have asked while they waited is counted too.

        --history writes every checkout to FILE as a line of JSON, orders are also read and asked for
        again, and `stack verify --history FILE` tells whether the shop kept its word. --html writes
        a report with charts, one file that needs no network.

        Experiments say first what they do, undo what they broke, and end with PASS or FAIL (exit code 1).
        Each takes --data .anyway (which is the default) or --compose, --url, --rate N, --accounts N and
        --history FILE; chaos and ablation take --seed N, which brings the same troubles again, chaos
        --seconds N in place of --minutes; ablation takes no platform and no history. breaker, clocks,
        fallacy 1 and 2 need a platform that takes faults: stack up --faults, or FAULTS=on
        docker-compose up. Ctrl-C mends what is broken and ends; a second one leaves it as it is.

        """
}
