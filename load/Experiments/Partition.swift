internal import HTTP
internal import Reactor

/// `load cap`: the databases are silent, what must be consistent refuses, and what need not be goes on.
struct Partition: Sendable {
    /// How long all is well first.
    private static let whole = 10
    /// How long the databases are silent.
    private static let parted = 20

    private let stage: Stage
    private let databases: [Member]

    init(_ stage: Stage) {
        self.stage = stage
        // One server has all databases of a stack; of the containers, those of stock and orders are meant.
        databases = stage.members.filter { member in
            member.isDatabase
                && (member.name == "postgres" || member.name.contains("order-postgres")
                    || member.name.contains("product-postgres"))
        }
    }

    func run() async throws -> Bool {
        guard !databases.isEmpty else {
            throw Shop.Failed(description: "there is no database to be cut off")
        }
        Terminal.say(
            """
            CAP, and PACELC.
            What will be done: \(Self.whole) s undisturbed; then \(databases.map(\.name).joined(separator: ", ")) is paused, \
            which looks like a cut line, for \(Self.parted) s; half of the requests look at products, half check out.
            What is expected, while it is cut: no checkout is confirmed; each is saved (202), refused (503) or left \
            open, to be asked again (502, 504). \
            Of the looks at products 95 in 100 are answered all the same, from the gateway's cache, which says how old \
            the answer is; what the cache does not have is refused. Else, when nothing is cut: who is content with an old answer \
            waits at most half as long as who needs a consistent one.

            """
        )
        let verdict = try await stage.whileBroken(
            mix: .lookAndBuy,
            undo: resume,
            during: perform
        )
        Terminal.say("\n" + verdict.text + "\n\nThe books, once every saved order was placed:")
        let adds = try await stage.verify()
        return stage.conclude(
            verdict.isAsExpected && adds,
            "during a partition one can have consistency or availability, and each part of a shop chooses for itself: "
                + "an order that is not written down for sure is not confirmed, and money and stock move only with it; a "
                + "price that is a minute old harms nobody, because the checkout asks again. Without a partition the "
                + "choice is between consistency and latency: commits and other services are waited for, or they are not."
        )
    }

    private func perform() async throws -> PartitionVerdict {
        for product in stage.session.customers.first?.products ?? [] {
            _ = await stage.session.shop.see(ClientRequest(.get, "/products/\(product)"))
        }
        try await EventLoop.sleep(for: .seconds(Self.whole))
        let well = stage.session.recorder.scenarios
        Terminal.say(Figure.padded("0 s", 6) + "  the databases are cut off")
        try await stage.platform.act(.pause, on: databases)
        // What was begun before may have been decided before, however late its answer comes.
        stage.session.recorder.mark()
        try await watch()
        let probes = await probe()
        let parted = stage.session.recorder.sinceMark
        await resume()
        Terminal.say(Figure.padded("\(Self.parted) s", 6) + "  the databases are back")
        try await EventLoop.sleep(for: .seconds(5))
        return PartitionVerdict(
            whole: well,
            checkouts: parted[.checkout]?.outcomes ?? [:],
            looks: parted[.browse]?.outcomes ?? [:],
            probes: probes
        )
    }

    private func watch() async throws {
        _ = stage.session.recorder.takeWindow()
        for second in stride(from: 5, through: Self.parted, by: 5) {
            try await EventLoop.sleep(for: .seconds(5))
            let window = stage.session.recorder.takeWindow()
            Terminal.say(Figure.padded("\(second) s", 6) + "  \(Figure.mix(window.outcomes))")
        }
    }

    /// Looks at a product that was looked at before, and for something that nobody looked for.
    private func probe() async -> [PartitionVerdict.Probe] {
        let shop = stage.session.shop
        let product = stage.session.customers.first?.products.first ?? ""
        let known = await shop.see(ClientRequest(.get, "/products/\(product)"))
        let word = UInt64.random(in: 0 ... .max)
        let unknown = await shop.see(ClientRequest(.get, "/products?q=\(word)"))
        func probe(_ what: String, _ seen: Seen) -> PartitionVerdict.Probe {
            .init(
                what: what,
                outcome: seen.outcome,
                age: seen.headers[.age].map { "\($0)" },
                cacheStatus: seen.headers["cache-status"].map { "\($0)" }
            )
        }
        return [
            probe("a product that was looked at before", known),
            probe("a search that nobody made before", unknown),
        ]
    }

    @Sendable private func resume() async {
        await stage.mending { [stage, databases] in
            // Those that were not paused, or are back already, refuse.
            try? await stage.platform.act(.resume, on: databases)
        }
    }
}
