internal import FoundationEssentials
internal import Reactor

/// One run of customers, from their registration to the report.
struct Session: Sendable {
    let shop: Shop
    let customers: [Customer]
    let recorder = Recorder()
    let history: History?
    let platform: (any Platform)?

    /// Gets everything ready: stock, accounts, the history's file.
    init(_ options: Options) async throws {
        let platform = try Session.platform(options.platform)
        let shop = try await Shop(try await Session.address(options, platform))
        let products = try await shop.productsInStock()
        if options.mix.buys, let password = try await platform?.adminPassword() {
            try await shop.deliver(1_000_000, of: products, password: password)
        }
        var accounts: [Account] = []
        if options.mix.needsAccounts {
            for number in 0..<options.customers {
                accounts.append(try await shop.newCustomer(number))
            }
        } else {
            accounts = [Account(id: "", token: "", email: "", password: "")]
        }
        // Not before: that there is a file tells a script that the load has begun.
        let history = try options.history.map { try History($0) }
        self.shop = shop
        self.platform = platform
        self.history = history
        customers = accounts.map { [recorder] account in
            Customer(
                shop: shop,
                account: account,
                products: products,
                maxLines: options.lines,
                history: history,
                recorder: recorder
            )
        }
    }

    static func platform(_ choice: Options.PlatformChoice) throws -> (any Platform)? {
        switch choice {
        case .none: nil
        case .stack(let data): StackPlatform(data)
        case .compose: try ComposePlatform()
        }
    }

    /// Where the gateway is: as asked, where the platform has it, or on the default port.
    private static func address(
        _ options: Options,
        _ platform: (any Platform)?
    ) async throws -> ShopAddress {
        if let asked = options.shop { return asked }
        guard let platform else { return ShopAddress() }
        return try gateway(of: try await platform.members())
    }

    /// Where clients reach a platform, whatever else may listen on the default port.
    ///
    /// - Throws: when none of its gateways runs.
    static func gateway(of members: [Member]) throws(Shop.Failed) -> ShopAddress {
        let found = members.lazy.filter { $0.service == "gateway" }.compactMap(\.listen).first
        guard let found else {
            throw Shop.Failed(description: "no gateway runs; say where one is with --url")
        }
        return ShopAddress(found)
    }

    /// Runs customers as asked and reports.
    static func run(_ options: Options) async throws -> Report {
        let session = try await Session(options)
        let traffic = Traffic(
            mix: options.mix,
            pattern: options.pattern,
            customers: session.customers,
            recorder: session.recorder
        )
        let progress = Progress(
            recorder: session.recorder,
            callers: try await session.callers(),
            isShown: Terminal.isWatched || !options.printsJSON
        )
        let start = Deadline.now
        let moments = await withTaskGroup(of: Void.self) { group in
            group.addTask { await progress.run() }
            await traffic.run(until: start.advanced(by: .seconds(options.seconds)))
            group.cancelAll()
            await group.waitForAll()
            return progress.moments
        }
        try session.history?.close()
        let took = Duration.nanoseconds(Int64(Deadline.now.nanoseconds - start.nanoseconds))
        let report = Report(session.recorder, moments, took: took)
        if let path = options.html {
            try Data(HTMLReport(report).text.utf8).write(to: URL(filePath: path))
        }
        return report
    }

    /// Those that have circuit breakers and know of sagas.
    func callers() async throws -> [Member] {
        try await platform?.members().filter { ["gateway", "order"].contains($0.service) } ?? []
    }
}
