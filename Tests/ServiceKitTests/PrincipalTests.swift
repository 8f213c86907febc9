import Contracts
import HTTP
import Reactor
import Testing

@testable import ServiceKit

/// Who a request is made for, and how long its caller waits: the platform's own word alone counts.
@Suite struct PrincipalTests {
    private static let user = "01980c5e-7b1a-7c60-9d52-0d5c1f0e8a11"

    private static func request(_ role: String, from peer: String?) -> Request {
        Request(
            .get,
            "/",
            headers: [
                "x-anyway-user": user, "x-anyway-role": role, "x-anyway-session": user,
                .requestDeadline: "1000",
            ],
            peerIdentity: peer
        )
    }

    @Test func `the gateway says who a user is`() throws {
        let request = Self.request("admin", from: "spiffe://anyway/gateway")
        #expect(
            try request.principal() == Principal(user: #require(UserID(Self.user)), role: .admin)
        )
        #expect(try request.admin().role == .admin)
        #expect(request.session == SessionID(Self.user))
    }

    @Test(arguments: [
        nil, "spiffe://anyway/order", "spiffe://anyway/gateway2", "spiffe://elsewhere/gateway",
        "gateway",
    ])
    func `nobody else does, however the fields are spelled`(_ peer: String?) {
        let request = Self.request("admin", from: peer)
        let problem = #expect(throws: Problem.self) { try request.principal() }
        #expect(problem?.status == .unauthorized)
        #expect(problem?.headers[.wwwAuthenticate] == "Bearer")
        #expect(throws: Problem.self) { try request.admin() }
        #expect(request.session == nil)
    }

    @Test func `a customer is no administrator, an unknown role is nobody's`() {
        let customer = Self.request("customer", from: "spiffe://anyway/gateway")
        let refused = #expect(throws: Problem.self) { try customer.admin() }
        #expect(refused?.status == .forbidden)
        let unknown = Self.request("root", from: "spiffe://anyway/gateway")
        #expect(throws: Problem.self) { try unknown.principal() }
    }

    @Test func `a deadline is believed from a process of the platform, and from no client`() {
        let known = RequestContext.deadline(of: Self.request("", from: "spiffe://anyway/order"))
        #expect(known != .never && known.remaining <= .seconds(1))
        #expect(RequestContext.deadline(of: Self.request("", from: nil)) == .never)
    }
}
