internal import FoundationEssentials
internal import HTTP
internal import Identity
internal import Reactor

extension Fallacy {
    /// Somebody is on the network who should not be.
    static let secure = Fallacy(number: 4, belief: "the network is secure") { stage in
        Terminal.say(
            """
            Fallacy 4: the network is secure.
            What will be done: somebody who reached the inner network, and a customer who wants more, try their luck. \
            Nothing is broken.
            What is expected: each of them is refused, and proper requests are not.

            """
        )
        let intruder = try await Intruder(stage)
        let holds = stage.show(try await intruder.attempts())
        Terminal.say("\nThe books:")
        let adds = try await stage.verify()
        return stage.conclude(
            holds && adds,
            "nobody is trusted for where they call from. Processes show each other certificates and each route says who "
                + "may call it; customers show tokens that only the user service can sign; what a client claims in a header counts for nothing."
        )
    }
}

/// Tries what must not work.
struct Intruder: Sendable {
    private let stage: Stage
    private let order: SocketAddress
    private let account: Account
    private let other: Account
    /// An order of the account's.
    private let mine: String

    init(_ stage: Stage) async throws {
        self.stage = stage
        guard let address = stage.members(of: "order").compactMap(\.listen).first,
            stage.session.customers.count > 1
        else { throw Shop.Failed(description: "there is no order process to call") }
        order = address
        account = stage.session.customers[0].account
        other = stage.session.customers[1].account
        let placed = await stage.session.customers[0].checkOut()
        guard let id = placed.order else {
            throw Shop.Failed(description: "no order could be placed: \(placed.outcome)")
        }
        mine = id
    }

    func attempts() async throws -> [Attempt] {
        try await inside() + forged() + greedy()
    }

    /// Somebody who reached the inner network.
    private func inside() async throws -> [Attempt] {
        let plain = await attempt(
            "an order process is called without TLS",
            nil,
            ClientRequest(.get, "/orders/\(UUID().uuidString.lowercased())"),
            Endpoint(order)
        )
        return [plain, try await foreignCertificate()] + (try await ownCertificate())
    }

    /// What the platform's own certificates open; nothing where they are out of reach.
    private func ownCertificate() async throws -> [Attempt] {
        guard let credentials = stage.platform.consumer() else { return [] }
        return [
            await attempt(
                "an order process is shown a consumer's certificate of the platform's own",
                200,
                ClientRequest(.get, "/events?after=newest&limit=1"),
                Endpoint(
                    order,
                    tls: try TLSContext.client(credentials),
                    identity: "spiffe://anyway/order"
                )
            )
        ]
    }

    /// Somebody without a token, or with one of the own making.
    private func forged() async -> [Attempt] {
        let claim = ClientRequest(
            .get,
            "/orders/\(mine)",
            headers: ["x-user-id": account.id, "x-principal": account.id]
        )
        return [
            await atGateway("a customer is named in a header, without a token", 401, claim),
            await atGateway(
                "a token whose content was changed",
                401,
                read("/orders/\(mine)", Self.changed(account.token))
            ),
            await atGateway(
                "a token that says it needs no signature",
                401,
                read("/orders/\(mine)", Self.unsigned(account.token))
            ),
        ]
    }

    /// Customers who want more than is theirs; and one who does not.
    private func greedy() async -> [Attempt] {
        [
            await atGateway(
                "a customer asks for another one's order",
                404,
                read("/orders/\(mine)", other.token)
            ),
            await atGateway(
                "a customer asks for what operators see",
                403,
                read("/ops/sagas", account.token)
            ),
            await atGateway(
                "the customer asks for the own order",
                200,
                read("/orders/\(mine)", account.token)
            ),
        ]
    }

    private func read(_ path: String, _ token: String) -> ClientRequest {
        ClientRequest(.get, path, headers: ["authorization": "Bearer \(token)"])
    }

    private func atGateway(
        _ what: String,
        _ expected: Int,
        _ request: ClientRequest
    ) async -> Attempt {
        await attempt(what, expected, request, stage.session.shop.endpoint)
    }

    /// A certificate that says `gateway`, signed by an authority of the intruder's own.
    private func foreignCertificate() async throws -> Attempt {
        let what = "an order process is shown a certificate of a foreign authority"
        let folder = "/tmp/anyway-intruder-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try CertificateAuthority.make().issue("gateway")
            .write(certificateFile: "\(folder)/a.pem", keyFile: "\(folder)/a.key")
        let authority = try await stage.platform.authority()
        try Data(authority.utf8).write(to: URL(filePath: "\(folder)/ca.pem"))
        let tls = try TLSContext.client(
            TLSConfiguration(
                certificateFile: "\(folder)/a.pem",
                keyFile: "\(folder)/a.key",
                caFile: "\(folder)/ca.pem"
            )
        )
        return await attempt(
            what,
            nil,
            ClientRequest(.get, "/orders/\(UUID().uuidString.lowercased())"),
            Endpoint(order, tls: tls, identity: "spiffe://anyway/order")
        )
    }

    /// - Parameter expected: the status; nil for a connection that is refused.
    private func attempt(
        _ what: String,
        _ expected: Int?,
        _ request: ClientRequest,
        _ endpoint: Endpoint
    ) async -> Attempt {
        do throws(ClientError) {
            let response = try await HTTPClient().send(
                request,
                to: endpoint,
                until: .after(.seconds(10))
            )
            let status = response.status.code
            return Attempt(what: what, came: "\(status)", isAsExpected: status == expected)
        } catch {
            return Attempt(
                what: what,
                came: "no answer (\(error))",
                isAsExpected: expected == nil && Self.isRefusal(error)
            )
        }
    }

    /// Whether somebody was there and ended the connection; silence and a closed port refuse nobody.
    static func isRefusal(_ error: ClientError) -> Bool {
        switch error {
        case .closedEarly, .connect(.tls), .connect(.closed): true
        default: false
        }
    }

    /// The token with one character of its content replaced.
    static func changed(_ token: String) -> String {
        var parts = token.split(separator: ".").map(String.init)
        guard parts.count == 3, let last = parts[1].last else { return token }
        parts[1] = parts[1].dropLast() + (last == "A" ? "B" : "A")
        return parts.joined(separator: ".")
    }

    /// The token under a header that says `alg: none`, without a signature (RFC 8725, section 2.1).
    static func unsigned(_ token: String) -> String {
        let head = Data(#"{"alg":"none","typ":"JWT"}"#.utf8).base64EncodedString()
            .filter { $0 != "=" }
        let parts = token.split(separator: ".")
        return parts.count == 3 ? "\(head).\(parts[1])." : token
    }
}
