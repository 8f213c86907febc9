internal import Glibc
internal import HTTP
internal import Reactor

extension Fallacy {
    /// Clients are of every age and make.
    static let homogeneous = Fallacy(number: 8, belief: "the network is homogeneous") { stage in
        Terminal.say(
            """
            Fallacy 8: the network is homogeneous.
            What will be done: clients of every kind ask for the same page of the catalog, send the same checkout under one \
            key, and make mistakes. Nothing is broken, and nobody else shops meanwhile.
            What is expected: every kind gets the same page; the first checkout is done and all others get its answer; \
            each mistake is told by its own status.

            """
        )
        let crowd = try Crowd(stage)
        let door = try await SecureDoor(stage.platform)
        defer { door?.close() }
        Terminal.say("  One page of the catalog:")
        var holds = stage.show(await crowd.reading(door))
        Terminal.say("\n  One checkout, one key:")
        holds = stage.show(await crowd.buying(door)) && holds
        Terminal.say("\n  Mistakes:")
        holds = stage.show(await crowd.erring()) && holds
        Terminal.say("\nThe books:")
        let adds = try await stage.verify()
        return stage.conclude(
            holds && adds,
            "whoever serves a network serves clients of every age. What the standards allow is taken, however it is "
                + "spelled and however slowly it comes; what two readers could take differently is refused, with a "
                + "status that says why, before anything is done."
        )
    }
}

/// Clients of every kind.
struct Crowd: Sendable {
    private let gateway: SocketAddress
    private let token: String
    private let product: String

    init(_ stage: Stage) throws {
        guard let customer = stage.session.customers.first, let product = customer.products.first
        else { throw Shop.Failed(description: "there is nothing to buy") }
        self.init(stage.session.shop.endpoint.address, token: customer.account.token, product)
    }

    /// Clients of a gateway that buy one product with a token.
    init(_ gateway: SocketAddress, token: String, _ product: String) {
        self.gateway = gateway
        self.token = token
        self.product = product
    }

    // MARK: Reading

    /// One page, asked for in every way.
    func reading(_ door: SecureDoor?) async -> [Attempt] {
        // A price that nobody has asked for: what is kept of other pages may be older than this.
        let target = "/products?limit=20&max_price=\(Int.random(in: 1_000_000...9_000_000))"
        let dialects = Dialect.reading(target, host: gateway.description)
        guard let first = dialects.first else { return [] }
        let expected = await attempt { try await first.speak(to: gateway) }
        guard case .success(let answers) = expected, let page = answers.first else {
            return [Attempt(what: first.name, came: "\(expected)", isAsExpected: false)]
        }
        var findings: [Attempt] = []
        for dialect in dialects {
            let came = await attempt { try await dialect.speak(to: gateway) }
            findings.append(Self.judge(dialect, came, page))
        }
        if let door {
            for (version, name) in [
                (TLSConfiguration.Version.tls12, "TLSv1.2"), (.tls13, "TLSv1.3"),
            ] {
                findings.append(await secure(first, version, name, door, page))
            }
        }
        findings.append(await overIPv6(first, page))
        return findings
    }

    /// Whether the answers are the page, or with HEAD what is known of it.
    static func judge(
        _ dialect: Dialect,
        _ came: Result<[Wire.Answer], any Error>,
        _ page: Wire.Answer
    ) -> Attempt {
        switch came {
        case .failure(let error):
            return Attempt(what: dialect.name, came: "\(error)", isAsExpected: false)
        case .success(let answers):
            var isSame = answers.count == dialect.answers
            for answer in answers {
                let isZipped = answer.headers["content-encoding"] == "gzip"
                let content = isZipped ? Gunzip.decode(answer.content) : answer.content
                let length = answer.headers["content-length"].flatMap { Int($0) }
                isSame =
                    isSame && answer.status == page.status
                    && (dialect.method == .head
                        ? answer.content.isEmpty && length == page.content.count
                        : content == page.content)
            }
            let sizes = answers.map { "\($0.status), \($0.content.count) bytes" }
            return Attempt(
                what: dialect.name,
                came: sizes.joined(separator: "; ") + (isSame ? "" : ", not the same"),
                isAsExpected: isSame
            )
        }
    }

    private func secure(
        _ dialect: Dialect,
        _ version: TLSConfiguration.Version,
        _ name: String,
        _ door: SecureDoor,
        _ page: Wire.Answer
    ) async -> Attempt {
        let came = await attempt { () async throws -> [Wire.Answer] in
            let context = try door.context(newest: version)
            let probe = try await Wire(to: door.address, tls: context)
            defer { probe.stream.close() }
            guard probe.stream.tlsVersion == name else {
                throw Shop.Failed(description: "\(probe.stream.tlsVersion ?? "no TLS") was spoken")
            }
            return try await dialect.speak(to: door.address, context)
        }
        let found = Self.judge(dialect, came, page)
        return Attempt(what: name, came: found.came, isAsExpected: found.isAsExpected)
    }

    /// Where the gateway listens is its operator's choice: nobody there is no failure.
    private func overIPv6(_ dialect: Dialect, _ page: Wire.Answer) async -> Attempt {
        let came = await attempt { () async throws -> [Wire.Answer] in
            let address = try SocketAddress(literal: "::1", port: gateway.port)
            return try await dialect.speak(to: address)
        }
        if case .failure(let error) = came, Self.isNobody(error) {
            return Attempt(
                what: "IPv6",
                came: "nobody listens on [::1]:\(gateway.port), so not tried",
                isAsExpected: true
            )
        }
        let found = Self.judge(dialect, came, page)
        return Attempt(what: "IPv6", came: found.came, isAsExpected: found.isAsExpected)
    }

    /// Whether nobody listens, or the machine has no such addresses; whoever is slow or breaks off is there.
    static func isNobody(_ error: any Error) -> Bool {
        switch error as? SocketError {
        case .refused: true
        case .system(_, let code):
            [EADDRNOTAVAIL, EAFNOSUPPORT, ENETUNREACH, EHOSTUNREACH].contains(code)
        default: false
        }
    }

    // MARK: Buying

    /// One checkout, sent in every way under the same key.
    func buying(_ door: SecureDoor?) async -> [Attempt] {
        let content =
            #"{"items":[{"product_id":"\#(product)","quantity":1}],"payment_method":"pm_card_visa","#
            + #""shipping_address":{"line1":"1 Loop Street","city":"Localhost","country":"US"}}"#
        let dialects = Dialect.buying(
            content,
            token: token,
            key: "load-\(UInt64.random(in: 0 ... .max))",
            host: gateway.description
        )
        var (findings, first): ([Attempt], Wire.Answer?) = ([], nil)
        for dialect in dialects {
            let came = await attempt { try await dialect.speak(to: gateway) }
            findings.append(Self.judge(dialect.name, came, after: first))
            if first == nil { first = try? came.get().first }
        }
        if let door, let whole = dialects.first {
            let came = await attempt { () async throws -> [Wire.Answer] in
                try await whole.speak(to: door.address, door.context(newest: .tls12))
            }
            findings.append(Self.judge("TLSv1.2", came, after: first))
        }
        return findings
    }

    /// The first one places the order; every other one is told what became of it.
    static func judge(
        _ name: String,
        _ came: Result<[Wire.Answer], any Error>,
        after first: Wire.Answer?
    ) -> Attempt {
        switch came {
        case .failure(let error): return Attempt(what: name, came: "\(error)", isAsExpected: false)
        case .success(let answers):
            guard let answer = answers.first, answers.count == 1 else {
                return Attempt(what: name, came: "\(answers.count) answers", isAsExpected: false)
            }
            let isReplay = answer.headers["idempotency-replayed"] == "true"
            let value = try? JSON.decode(JSONValue.self, from: answer.content)
            // A stored answer may spell the same value with other white space and order.
            let isSame =
                first.map {
                    isReplay && value != nil
                        && value == (try? JSON.decode(JSONValue.self, from: $0.content))
                } ?? !isReplay
            let told = isReplay ? "the stored answer" : "a new order"
            return Attempt(
                what: name,
                came: "\(answer.status), \(told)" + (isSame ? "" : ", not the same"),
                isAsExpected: answer.status == 201 && isSame
            )
        }
    }

    // MARK: Erring

    /// Every mistake, and behind them a proper request.
    func erring() async -> [Attempt] {
        let host = gateway.description
        var findings: [Attempt] = []
        for misfit in Misfit.all(host: host, token: token) {
            var dialect = Dialect(misfit.name, .send(misfit.text))
            dialect.method = misfit.text.hasPrefix("POST") ? .post : .get
            let status = await attempt { try await dialect.speak(to: gateway) }
            findings.append(Self.judge(dialect.name, status, misfit.status))
        }
        let proper = Dialect.message(["GET /products?limit=1 HTTP/1.1", "Host: \(host)"])
        let dialect = Dialect("no mistake", .send(proper))
        let status = await attempt { try await dialect.speak(to: gateway) }
        findings.append(Self.judge(dialect.name, status, 200))
        return findings
    }

    private static func judge(
        _ name: String,
        _ came: Result<[Wire.Answer], any Error>,
        _ status: Int
    ) -> Attempt {
        switch came {
        case .failure(let error): Attempt(what: name, came: "\(error)", isAsExpected: false)
        case .success(let answers):
            Attempt(
                what: name,
                came: answers.map { "\($0.status)" }.joined(separator: ", "),
                isAsExpected: answers.map(\.status) == [status]
            )
        }
    }

    private func attempt(
        _ body: () async throws -> [Wire.Answer]
    ) async -> Result<[Wire.Answer], any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
