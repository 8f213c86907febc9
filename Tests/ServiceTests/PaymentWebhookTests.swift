import Contracts
import HTTP
import Identity
import Postgres
import Testing

@testable import PaymentService

/// The provider's webhooks: believed when they are signed, and then only as a hint.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PaymentWebhookTests {
    static let secret = "whsec_0123456789abcdef"
    static let now: Int64 = 1_800_000_000

    @Test func `a signature proves one content, for five minutes, to whoever has the secret`()
        throws
    {
        let content = Array(#"{"a":1}"#.utf8)
        let secret = try #require(WebhookSecret(Self.secret))
        let signature = try #require(WebhookSignature(Self.sign(content)))
        for age in [0, 300, -300] as [Int64] {
            #expect(signature.proves(content, secret: secret, now: Self.now + age))
        }
        for age in [301, -301, .max] as [Int64] {
            let now = age == .max ? age : Self.now + age
            #expect(!signature.proves(content, secret: secret, now: now))
        }
        #expect(!signature.proves(content + [0x20], secret: secret, now: Self.now))
        let other = try #require(WebhookSecret("whsec_fedcba9876543210"))
        #expect(!signature.proves(content, secret: other, now: Self.now))
        let moved = Self.sign(content).replacing("t=\(Self.now)", with: "t=\(Self.now + 1)")
        #expect(WebhookSignature(moved)?.proves(content, secret: secret, now: Self.now) == false)
        // While the secret is rolled there are two tags, of which one is ours.
        let two = Self.sign(content) + ",v1=" + String(repeating: "0", count: 64)
        #expect(WebhookSignature(two)?.proves(content, secret: secret, now: Self.now) == true)
    }

    @Test func `the tag is that of RFC 4231`() {
        let key = [UInt8](repeating: 0x0B, count: 20)
        let tag = HMACSHA256.tag(of: Array("Hi There".utf8), key: key)
        #expect(
            hex(tag) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        )
    }

    @Test(arguments: [
        "", "t=1", "v1=00", "t=1,v1=", "t=x,v1=\(zeros)", "t=1,t=2,v1=\(zeros)", "t=1,v1=\(zeros)0",
        "t=1;v1=\(zeros)", "t=1,v1=\(zeros.dropLast(2))+1", "t=1,v0=\(zeros)",
    ])
    func `a header that is no signature is refused`(header: String) {
        #expect(WebhookSignature(header) == nil)
    }

    @Test func `an event settles a charge whose reply was lost, once, however often it comes`()
        async throws
    {
        try await PaymentWorld.with(faults: Faults(replyLost: 100)) { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            world.line.set(.none)
            let intent = try await world.takenIntent()
            let event =
                #"{"type":"payment_intent.succeeded","data":{"object":{"object":"payment_intent","id":"\#(intent)"}}}"#
            for _ in 0..<2 { #expect(try await world.tell(event) == 200) }
            #expect(try await world.status(order) == .captured)
            #expect(try await world.findings() == [])
            #expect(try await world.charges()[order.description]?.count == 1)
        }
    }

    @Test func `an event tells of a refund by hand at once`() async throws {
        try await PaymentWorld.with { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            let intent = try await world.takenIntent()
            let refund = ["payment_intent": intent]
            #expect(try await world.post("/v1/refunds", refund, key: "hand").status == 200)
            let event =
                #"{"data":{"object":{"object":"refund","id":"re_1","payment_intent":"\#(intent)"}}}"#
            #expect(try await world.tell(event) == 200)
            #expect(try await world.findings() == [.init(.refundedAtProvider, .open, 1999, 0)])
        }
    }

    @Test func `what is not signed, no event, or cannot be looked into is not taken`() async throws
    {
        try await PaymentWorld.with { world async throws in
            let order = OrderID.next()
            _ = try await world.settlement.charge(order, world.request())
            let intent = try await world.takenIntent()
            let event =
                #"{"data":{"object":{"object":"payment_intent","id":"\#(intent)"}}}"#
            #expect(try await world.tell(event, signature: nil) == 401)
            #expect(try await world.tell(event, signature: Self.sign([])) == 401)
            #expect(try await world.tell("{}") == 400)
            let other = #"{"data":{"object":{"object":"customer","id":"cus_1"}}}"#
            #expect(try await world.tell(other) == 200)
            let odd = #"{"data":{"object":{"object":"payment_intent","id":"../refunds"}}}"#
            #expect(try await world.tell(odd) == 200)
            world.line.set(Faults(requestLost: 100))
            #expect(try await world.tell(event) == 503)
        }
    }

    static func sign(_ content: [UInt8]) -> String {
        let signed = Array("\(now).".utf8) + content
        return "t=\(now),v1=" + hex(HMACSHA256.tag(of: signed, key: Array(secret.utf8)))
    }
}

private let zeros = String(repeating: "0", count: 64)

private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

extension PaymentWorld {
    /// The provider's only charged intent.
    fileprivate func takenIntent() async throws -> String {
        try #require(try await sandbox.one(SelectTakenIntent()))
    }

    fileprivate func tell(_ event: String) async throws -> Int {
        try await tell(event, signature: PaymentWebhookTests.sign(Array(event.utf8)))
    }

    fileprivate func tell(_ event: String, signature: String?) async throws -> Int {
        let secret = try #require(WebhookSecret(PaymentWebhookTests.secret))
        var router = Router()
        let routes = WebhookRoutes(
            audit: audit("payment.1"),
            secret: secret,
            now: { PaymentWebhookTests.now }
        )
        routes.register(&router)
        var headers: Headers = [.contentType: "application/json"]
        headers["stripe-signature"] = signature
        let request = Request(
            .post,
            "/webhooks/provider",
            headers: headers,
            body: Array(event.utf8),
            peerIdentity: "spiffe://anyway/gateway"
        )
        return try await PaymentAnswer(router, request).status
    }
}

private struct SelectTakenIntent: Statement {
    static let sql = "SELECT payment_intent FROM charges WHERE status = 'succeeded'"
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> String { try row[0] }
}
