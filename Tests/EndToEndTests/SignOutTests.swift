import Foundation
import Testing

/// Signing out is heard by every gateway.
@Suite struct SignOutTests {
    @Test func `within five seconds a token that was signed out is refused by each gateway`()
        async throws
    {
        try await RunningStack.with(["--lean", "--replicas", "gateway=2"]) { stack in
            let gateways = [stack.curl, Curl(port: try await port(of: "GATEWAY_2", in: stack))]
            let shopper = try await Shopper(stack)
            let other = try await Shopper(stack)
            for gateway in gateways {
                // Also puts the token among those that were verified.
                try await become(200, shopper.token, gateway)
                try await become(200, other.token, gateway)
            }
            let out = try await stack.curl("POST", "/users/logout", token: shopper.token)
            #expect(out.status == 204, "\(out)")
            let end = ContinuousClock.now + .seconds(5)
            for gateway in gateways {
                let refused = try await become(401, shopper.token, gateway)
                #expect(
                    refused.headers["www-authenticate"] == #"Bearer error="invalid_token""#
                )
            }
            #expect(ContinuousClock.now < end)
            for gateway in gateways {
                #expect(try await gateway("GET", "/users/me", token: other.token).status == 200)
            }

            // A gateway that starts later knows as well.
            try await stack.must("restart", "gateway.2")
            try await become(200, other.token, gateways[1])
            #expect(
                try await gateways[1]("GET", "/users/me", token: shopper.token).status == 401
            )
            // And signing out everywhere ends what is left.
            let everywhere = try await gateways[1](
                "POST",
                "/users/logout",
                token: other.token,
                json: #"{"everywhere":true}"#
            )
            #expect(everywhere.status == 204, "\(everywhere)")
            for gateway in gateways { try await become(401, other.token, gateway) }
        }
    }

    private func port(of name: String, in stack: RunningStack) async throws -> Int {
        let lines = try await stack.run(["env"]).output.split(whereSeparator: \.isNewline)
        let line = try #require(lines.first { $0.hasPrefix("\(name)_LISTEN=") })
        return try #require(line.split(separator: ":").last.flatMap { Int($0) })
    }

    /// Asks until the answer has this status, five seconds at most.
    @discardableResult
    private func become(_ status: Int, _ token: String, _ gateway: Curl) async throws -> Answer {
        var answer = try await gateway("GET", "/users/me", token: token)
        for _ in 0..<50 where answer.status != status {
            try await Task.sleep(for: .milliseconds(100))
            answer = try await gateway("GET", "/users/me", token: token)
        }
        #expect(answer.status == status, "\(answer)")
        return answer
    }
}
