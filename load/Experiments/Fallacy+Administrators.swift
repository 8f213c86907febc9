internal import HTTP
internal import Reactor

extension Fallacy {
    /// Several people change the platform while it runs, and one of them errs.
    static let oneAdministrator = Fallacy(number: 6, belief: "there is one administrator") {
        stage in
        Terminal.say(
            """
            Fallacy 6: there is one administrator.
            What will be done: one more gateway is started with a routes file of its own, and \(stage.options.rate ?? 0) \
            checkouts a second go through it. Meanwhile one administrator takes the catalog out of its routes and puts it \
            back, another saves a slip of the pen; two of them edit the same product; everybody's certificate is \
            replaced, one by a wrong one; and the key that signs tokens makes way for a new one.
            What is expected: what is right takes effect without a restart, what is wrong is refused with its place and \
            reason while the old stays in force, and not one checkout fails.

            """
        )
        let folder = try OwnFolder()
        try folder.write(AdministratorsRoutes.text(), to: "routes.json")
        defer { folder.remove() }
        let gateway = try await stage.platform.startGateway(folder)
        let (findings, sum): ([Attempt], Tally)
        do {
            let office = try await Office(stage, gateway, folder)
            (findings, sum) = try await office.work()
        } catch {
            await stage.mending { await gateway.stop() }
            throw error
        }
        await stage.mending { await gateway.stop() }
        let failed = sum.outcomes.filter { !["201", "202"].contains($0.key) }
        Terminal.say(
            "\n  \(sum.requests) checkouts meanwhile: \(Figure.mix(sum.outcomes))\n\nThe books:"
        )
        let adds = try await stage.verify()
        return stage.conclude(
            adds && failed.isEmpty && sum.requests > 0 && findings.allSatisfy(\.isAsExpected),
            "many hands change a platform, and none of them may be assumed careful. So every change is checked as a "
                + "whole before it takes the old one's place, who edits says what he saw, and what must be the same "
                + "everywhere, such as a key, is published before it is used and kept after."
        )
    }
}

/// Where administrators work on a platform that is open to customers.
struct Office: Sendable {
    let stage: Stage
    let gateway: OwnGateway
    let folder: OwnFolder
    /// The experiment's own gateway, as clients see it.
    let shop: Shop
    /// How long a gateway may take to read its routes.
    private static let patience = Duration.seconds(10)
    private let customers: [Customer]

    init(_ stage: Stage, _ gateway: OwnGateway, _ folder: OwnFolder) async throws {
        self.stage = stage
        self.gateway = gateway
        self.folder = folder
        let shop = try await Shop(ShopAddress(gateway.address))
        self.shop = shop
        customers = stage.session.customers.map { customer in
            Customer(
                shop: shop,
                account: customer.account,
                products: customer.products,
                maxLines: customer.maxLines,
                history: customer.history,
                recorder: customer.recorder
            )
        }
    }

    /// Does everything under load; says and returns what came of it, and how customers were answered.
    func work() async throws -> ([Attempt], Tally) {
        let all = try await stage.underLoad(by: customers) {
            try await EventLoop.sleep(for: .seconds(3))
            var all: [Attempt] = []
            for (what, part) in [
                ("Routes, read again at SIGHUP:", routes), ("One product, two editors:", editors),
                ("Certificates:", certificates), ("The key that signs tokens:", signingKey),
            ] {
                Terminal.say("  \(what)")
                let findings = try await part()
                _ = stage.show(findings)
                all += findings
            }
            return all
        }
        return (all, stage.session.recorder.sum)
    }

    // MARK: Routes

    private func routes() async throws -> [Attempt] {
        var findings = [await expect(200, "the catalog", "/products?limit=1")]
        try await put(AdministratorsRoutes.text(catalog: false))
        findings.append(try await soon(404, "the catalog, taken out", "/products?limit=1"))
        try await put(AdministratorsRoutes.text())
        findings.append(try await soon(200, "the catalog, put back", "/products?limit=1"))
        try await put(AdministratorsRoutes.text(auth: "requird"))
        let reason = try await refusal()
        findings.append(
            Attempt(
                what: "a slip of the pen, refused",
                came: reason ?? "no word of it",
                isAsExpected: reason?.contains("line ") == true
            )
        )
        findings.append(
            await expect(200, "the catalog, under the routes before", "/products?limit=1")
        )
        try await put(AdministratorsRoutes.text())
        return findings
    }

    private func put(_ text: String) async throws {
        try folder.write(text, to: "routes.json")
        try await gateway.reload()
    }

    /// What comes of new routes, within a while: a signal does not tell when it was heeded.
    private func soon(_ status: Int, _ what: String, _ target: String) async throws -> Attempt {
        let end = Deadline.after(Self.patience)
        var attempt = await expect(status, what, target)
        while !attempt.isAsExpected, !end.hasPassed {
            try await EventLoop.sleep(for: .milliseconds(200))
            attempt = await expect(status, what, target)
        }
        return attempt
    }

    /// Why the gateway keeps its old routes; nil when it does not say so within a while.
    private func refusal() async throws -> String? {
        let message = "routes cannot be used, the old ones stay in force"
        let end = Deadline.after(Self.patience)
        while !end.hasPassed {
            let reasons = try await gateway.log().compactMap {
                Self.field("reason", of: $0, saying: message)
            }
            if let last = reasons.last { return last }
            try await EventLoop.sleep(for: .milliseconds(200))
        }
        return nil
    }

    /// A field of a log line that says `message`; nil for other lines.
    static func field(_ name: String, of line: Substring, saying message: String) -> String? {
        guard line.contains(message),
            let value = try? JSON.decode(JSONValue.self, from: Array(line.utf8)),
            value["message"]?.string == message
        else { return nil }
        return value[name]?.string
    }

    // MARK: Editors

    /// Both read the product; the second one's change is of what the first one saw.
    private func editors() async throws -> [Attempt] {
        guard let password = try await stage.platform.adminPassword(),
            let product = customers.first?.products.last
        else { throw Shop.Failed(description: "there is no administrator") }
        let token = try await shop.signIn("admin@anyway.local", password)
        let path = "/products/\(product)"
        let seen = try await ask(ClientRequest(.get, path))
        let old = try JSON.decode(JSONValue.self, from: seen.content)["description"] ?? ""
        let tag = seen.headers[.etag] ?? ""
        @Sendable func edit(_ text: JSONValue, _ condition: Headers) async throws -> Int {
            var headers = condition
            headers["authorization"] = "Bearer \(token)"
            let change: JSONValue = ["description": text]
            return try await ask(try .json(.patch, path, headers: headers, change)).status
        }
        let first = await attempt { try await edit("described by the first", ["if-match": tag]) }
        let second = await attempt { try await edit("described by the second", ["if-match": tag]) }
        await stage.mending { _ = try? await edit(old, [:]) }
        return [
            Attempt(
                what: "the first changes it",
                came: first.map { "\($0)" } ?? "no answer",
                isAsExpected: first == 200
            ),
            Attempt(
                what: "the second, who saw it before that",
                came: second.map { "\($0)" } ?? "no answer",
                isAsExpected: second == 412
            ),
        ]
    }

    // MARK: Asking

    func expect(
        _ status: Int,
        _ what: String,
        _ target: String,
        _ headers: Headers = [:]
    ) async -> Attempt {
        let came = await attempt {
            try await ask(ClientRequest(.get, target, headers: headers)).status
        }
        return Attempt(
            what: what,
            came: came.map { "\($0)" } ?? "no answer",
            isAsExpected: came == status
        )
    }

    func ask(_ request: ClientRequest) async throws -> Wire.Answer {
        let response = try await shop.client.send(
            request,
            to: shop.endpoint,
            until: .after(.seconds(10))
        )
        return Wire.Answer(
            status: response.status.code,
            headers: response.headers,
            content: try await response.body(limit: 1 << 20)
        )
    }

    private func attempt<Value>(_ body: () async throws -> Value) async -> Value? {
        do { return try await body() } catch { return nil }
    }
}
