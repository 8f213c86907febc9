internal import HTTP
internal import Reactor

extension Fallacy {
    /// Bytes are many, and some clients take them slowly.
    static let endlessBandwidth = Fallacy(number: 3, belief: "bandwidth is infinite") { stage in
        let asked = SlowClients.readers * SlowClients.pages
        Terminal.say(
            """
            Fallacy 3: bandwidth is infinite.
            What will be done: the same answers are asked for plainly and sparingly, and a relay counts their bytes. Then, \
            under checkouts, \(SlowClients.readers) clients come, one every half second, ask for \(asked) pages (\(asked * 22 / 1000) MB) \
            together and read 2 KB a second each; \(SlowClients.senders) send a checkout at a byte a second.
            What is expected: gzip takes at most half, what has not changed a tenth, and a content of 100 MB is refused \
            unsent; the slow senders are told 408; meanwhile 95 of 100 checkouts are confirmed, their median at most \
            doubles (and 100 ms), and the gateway's memory grows by less than 64 MiB.

            """
        )
        let thrift = try await Thrift(stage).compare()
        let crawl = try await Crawl(stage).run()
        Terminal.say("\nThe books:")
        let adds = try await stage.verify()
        return stage.conclude(
            adds && thrift && crawl,
            "the widest wire has a narrow end. So what compresses is compressed, what a client has already is not sent "
                + "again, what is too much is refused at its announcement; and whoever reads or sends slowly is waited "
                + "for with a buffer's worth of memory, up to a time, and nobody waits behind him."
        )
    }
}

/// The same answers, plainly and sparingly.
struct Thrift: Sendable {
    private let gateway: SocketAddress
    private let customer: Customer

    init(_ stage: Stage) throws {
        guard let customer = stage.session.customers.first else {
            throw Shop.Failed(description: "there is no customer")
        }
        gateway = stage.session.shop.endpoint.address
        self.customer = customer
    }

    /// Counts and says them; whether enough is saved.
    func compare() async throws -> Bool {
        let product = customer.products.first ?? ""
        let page = "/products?limit=100&max_price=\(Int.random(in: 1_000_000...9_000_000))"
        let item = "/products/\(product)"
        let tag = try await ask(item).answer.headers[.etag] ?? ""
        let plain = try await ask(page)
        let zipped = try await ask(page, "Accept-Encoding: gzip")
        let whole = try await ask(item)
        let same = try await ask(item, "If-None-Match: \(tag)")
        let refused = try await announce(100_000_000)
        let steps = [
            ("100 products", plain), ("the same with gzip", zipped), ("one product", whole),
            ("the same, which the client has", same), ("a checkout of 100 MB, announced", refused),
        ]
        for (what, step) in steps {
            Terminal.say(
                "  \(Figure.name(what, 34))\(step.answer.status)  \(Figure.padded("\(step.count.sent)", 6)) bytes sent, "
                    + "\(Figure.padded("\(step.count.received)", 6)) received"
            )
        }
        Terminal.say("")
        return zipped.count.received * 2 <= plain.count.received && same.answer.status == 304
            && same.count.received < plain.count.received / 10 && refused.answer.status == 413
            && refused.count.sent < 4096
    }

    private typealias Step = (answer: Wire.Answer, count: Relay.Count)

    private func ask(_ target: String, _ lines: String...) async throws -> Step {
        try await exchange(
            Dialect.message(
                ["GET \(target) HTTP/1.1", "Host: localhost", "Connection: close"] + lines
            ),
            .get
        )
    }

    /// Says that a content of so many bytes is to come, and sends none of it.
    private func announce(_ bytes: Int) async throws -> Step {
        try await exchange(
            Dialect.message([
                "POST /orders HTTP/1.1", "Host: localhost", "Content-Type: application/json",
                "Authorization: Bearer \(customer.account.token)", "Idempotency-Key: announced",
                "Content-Length: \(bytes)",
            ]),
            .post
        )
    }

    private func exchange(_ text: String, _ method: Method) async throws -> Step {
        try await Relay.before(gateway) { relay in
            var wire = try await Wire(to: relay.address)
            defer { wire.stream.close() }
            let end = Deadline.after(.seconds(10))
            try await wire.send(text, until: end)
            let answer = try await wire.answer(to: method, until: end)
            return (answer, relay.count)
        }
    }
}

/// Slow clients beside ordinary customers.
struct Crawl: Sendable {
    private let stage: Stage

    init(_ stage: Stage) { self.stage = stage }

    func run() async throws -> Bool {
        let slow = try await SlowClients(stage.session.shop)
        let gateways = stage.members(of: "gateway")
        let (well, came, crawling) = try await stage.underLoad {
            try await EventLoop.sleep(for: .seconds(2))
            _ = stage.session.recorder.takeWindow()
            try await EventLoop.sleep(for: .seconds(10))
            let well = stage.session.recorder.takeWindow()
            let before = await stage.admin.memory(of: gateways)
            let came = try await withThrowingTaskGroup(of: Int.self) { group in
                let most = MemoryPeak(stage.admin, gateways)
                group.addTask { try await most.watch(for: SlowClients.seconds) }
                let told = try await slow.crawl()
                let peak = try await group.next() ?? before
                return (told: told, grown: max(0, peak - before))
            }
            return (well, came, stage.session.recorder.takeWindow())
        }
        let verdict = CrawlVerdict(
            well: well,
            crawling: crawling,
            lateSenders: came.told.late,
            grownBytes: came.grown
        )
        Terminal.say(verdict.text(readBytes: came.told.read))
        return verdict.holds
    }
}

/// The most memory that processes have had since somebody began to watch.
struct MemoryPeak: Sendable {
    private let admin: Admin
    private let members: [Member]

    init(_ admin: Admin, _ members: [Member]) {
        self.admin = admin
        self.members = members
    }

    /// Looks once a second.
    func watch(for seconds: Int) async throws -> Int {
        var most = 0
        for _ in 0..<seconds {
            try await EventLoop.sleep(for: .seconds(1))
            most = max(most, await admin.memory(of: members))
        }
        return most
    }
}

extension Admin {
    /// Bytes that the members hold in memory, together.
    func memory(of members: [Member]) async -> Int {
        await metrics(members).flatMap(MetricsText.samples)
            .filter { $0.name == "process_resident_memory_bytes" }
            .reduce(0) { $0 + Int($1.value) }
    }
}

/// What slow clients did to the others.
struct CrawlVerdict: Sendable, Equatable {
    let well: Tally
    let crawling: Tally
    /// Slow senders that were told 408.
    let lateSenders: Int
    let grownBytes: Int

    private static let mostGrowth = 64 << 20

    var holds: Bool {
        let confirmed = Double(crawling.outcomes["201", default: 0])
        let limit = well.latencies.percentile(0.5) * 2 + .milliseconds(100)
        return confirmed >= 0.95 * Double(max(1, crawling.requests))
            && crawling.latencies.percentile(0.5) <= limit
            && lateSenders == SlowClients.senders && grownBytes < Self.mostGrowth
    }

    func text(readBytes: Int) -> String {
        func line(_ name: String, _ tally: Tally) -> String {
            "  \(name): p50 \(Figure.milliseconds(tally.latencies.percentile(0.5))) ms, p99 "
                + "\(Figure.milliseconds(tally.latencies.percentile(0.99))) ms, \(Figure.mix(tally.outcomes))"
        }
        return [
            line("undisturbed", well), line("with slow clients", crawling),
            "  the slow readers took \(readBytes / 1024) KiB of what they asked for; "
                + "the gateway's memory grew by \(grownBytes >> 20) MiB",
            "  \(lateSenders) of \(SlowClients.senders) slow senders were told 408",
        ].joined(separator: "\n")
    }
}
