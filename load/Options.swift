/// What the command line asks for.
struct Options: Sendable, Equatable {
    /// The gateway; nil for the platform's, or the default port of this machine.
    var shop: ShopAddress?
    /// What customers do.
    var mix = Mix(.checkout)
    /// How many customers shop at the same time.
    var users = 8
    /// How long each of them does nothing between two requests.
    var think = Duration.zero
    /// How many accounts the customers share; nil for one each.
    var accounts: Int?
    /// How many requests a second are begun, whether or not earlier ones have ended; nil for as many
    /// as the customers manage, each one after the other.
    var rate: Int?
    /// The rate that is reached in the end, evenly.
    var rampTo: Int?
    /// The rate of the middle fifth.
    var spikeTo: Int?
    /// Whether requests come independently of each other rather than evenly.
    var poisson = false
    /// The most lines of an order.
    var lines = 3
    /// How long they shop.
    var seconds = 10
    /// Where the platform is that is asked, delivered to, and broken.
    var platform = PlatformChoice.none
    /// The file that every request and its answer are written to; nil for none.
    var history: String?
    /// The file for the report with charts; nil for none.
    var html: String?
    /// What chaos draws its troubles from; nil for any.
    var seed: UInt64?
    /// Whether the result is printed as JSON.
    var printsJSON = false

    /// How the platform was started.
    enum PlatformChoice: Sendable, Equatable {
        case none
        /// By `stack up`, in this folder.
        case stack(String)
        case compose
    }

    /// What is wrong with a command line, and what to do.
    struct Invalid: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// How many customers are registered: no more than there are users, who have one account each, unless
    /// requests come at a rate, whoever sends them.
    var customers: Int {
        if let accounts { return rate == nil ? min(accounts, users) : accounts }
        return rate == nil ? users : min(users, 32)
    }

    /// How customers come.
    var pattern: Traffic.Pattern {
        guard let rate else { return .users(users, think: think) }
        let (steady, span) = (Double(rate), Double(seconds))
        let shape: Shape =
            if let rampTo {
                .ramp(steady, to: Double(rampTo), seconds: span)
            } else if let spikeTo {
                .spike(steady, to: Double(spikeTo), seconds: span)
            } else {
                .constant(steady, seconds: span)
            }
        return .arrivals(shape, poisson: poisson)
    }

    /// Reads the words behind the scenario's name.
    ///
    /// - Parameter known: the flags that mean something here; nil for all.
    /// - Throws: `Invalid` naming the word.
    init(
        _ words: ArraySlice<String>,
        mix: Mix = Mix(.checkout),
        knowing known: [String]? = nil
    ) throws(Invalid) {
        self.mix = mix
        if let url = Program.variable("LOAD_URL") { try set("--url", url) }
        var rest = words
        while let flag = rest.popFirst() {
            if let known, !known.contains(flag) {
                throw Invalid(
                    description: "'\(flag)' means nothing to this experiment, which knows "
                        + known.joined(separator: ", ")
                )
            }
            switch flag {
            case "--json": printsJSON = true
            case "--hot": self.mix = Mix(.hot)
            case "--poisson": poisson = true
            case "--compose": platform = .compose
            default:
                guard let value = rest.popFirst() else {
                    throw Invalid(description: "\(flag) needs a value; see load help")
                }
                try set(flag, value)
            }
        }
        try check()
    }

    private mutating func set(_ flag: String, _ value: String) throws(Invalid) {
        switch flag {
        case "--url":
            guard let address = ShopAddress(value) else {
                throw Invalid(
                    description: "--url '\(value)' is not http://127.0.0.1:PORT, "
                        + "http://localhost:PORT or http://CONTAINER:PORT"
                )
            }
            shop = address
        case "--mix":
            guard let mix = Mix(value) else {
                throw Invalid(
                    description:
                        "--mix '\(value)' is not like browse=60,search=30,checkout=10; there are "
                        + Scenario.allCases.map(\.rawValue).joined(separator: ", ")
                )
            }
            self.mix = mix
        case "--think":
            think = .milliseconds(try Self.number(flag, value, 1...600_000))
        case "--data": platform = .stack(value)
        case "--history": history = value
        case "--html": html = value
        case "--users": users = try Self.number(flag, value, 1...10_000)
        case "--accounts": accounts = try Self.number(flag, value, 1...1000)
        case "--rate": rate = try Self.number(flag, value, 1...100_000)
        case "--to": rampTo = try Self.number(flag, value, 1...100_000)
        case "--spike": spikeTo = try Self.number(flag, value, 1...100_000)
        case "--seed": seed = UInt64(try Self.number(flag, value, 1...Int.max))
        case "--lines": lines = try Self.number(flag, value, 1...10)
        case "--seconds": seconds = try Self.number(flag, value, 1...86_400)
        default: throw Invalid(description: "unknown flag '\(flag)'; see load help")
        }
    }

    /// What only makes sense together.
    private func check() throws(Invalid) {
        if rate == nil, rampTo != nil || spikeTo != nil || poisson {
            throw Invalid(description: "--to, --spike and --poisson need --rate, which they change")
        }
        if rate != nil, think > .zero {
            throw Invalid(description: "--think is for users, who wait for answers; --rate is not")
        }
        if rampTo != nil, spikeTo != nil {
            throw Invalid(description: "--to and --spike are two shapes; take one")
        }
    }

    static func number(
        _ flag: String,
        _ text: String,
        _ range: ClosedRange<Int>
    ) throws(Invalid) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw Invalid(
                description: "\(flag) '\(text)' is not a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)"
            )
        }
        return number
    }
}
