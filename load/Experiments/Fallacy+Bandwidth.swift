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
            What is expected: gzip and what has not changed take at most half, and a content of 100 MB is refused \
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
        let verdict = ThriftVerdict(
            plain: ThriftVerdict.Step(plain.answer, plain.count),
            zipped: ThriftVerdict.Step(zipped.answer, zipped.count),
            whole: ThriftVerdict.Step(whole.answer, whole.count),
            same: ThriftVerdict.Step(same.answer, same.count),
            refused: ThriftVerdict.Step(refused.answer, refused.count)
        )
        Terminal.say(verdict.text + "\n")
        return verdict.holds
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
        let (well, came, crawling) = try await stage.underLoad {
            try await EventLoop.sleep(for: .seconds(2))
            _ = stage.session.recorder.takeWindow()
            try await EventLoop.sleep(for: .seconds(10))
            let well = stage.session.recorder.takeWindow()
            let before = try await memory()
            let came = try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask { try await mostMemory(for: SlowClients.seconds) }
                let told = try await slow.crawl()
                let peak = try await group.next() ?? before
                return (told: told, grown: max(0, peak - before))
            }
            return (well, came, stage.session.recorder.takeWindow())
        }
        let verdict = CrawlVerdict(
            well: well,
            crawling: crawling,
            readBytes: came.told.read,
            lateSenders: came.told.late,
            grownBytes: came.grown
        )
        Terminal.say(verdict.text)
        return verdict.holds
    }

    /// Bytes that the gateways hold in memory, together.
    ///
    /// - Throws: when one of them does not tell: a sum without it would be wrong.
    private func memory() async throws -> Int {
        let texts = try await stage.metrics(of: stage.members(of: "gateway"))
        return MetricsText.sum(of: "process_resident_memory_bytes", in: texts)
    }

    /// The most memory of the next so many seconds, looked at once a second.
    ///
    /// - Throws: when there was nothing to be seen all the time.
    private func mostMemory(for seconds: Int) async throws -> Int {
        let end = Deadline.after(.seconds(seconds))
        var most: Int?
        while !end.hasPassed {
            try await EventLoop.sleep(until: end.or(earlier: .after(.seconds(1))))
            if let now = try? await memory() { most = max(most ?? 0, now) }
        }
        guard let most else {
            throw Shop.Failed(description: "the gateway never said how much memory it has")
        }
        return most
    }
}
