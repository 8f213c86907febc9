internal import HTTP
internal import Reactor

/// What came of one request, with more of it than a count.
struct Seen: Sendable {
    /// Nil when no answer came in time.
    let status: Int?
    let headers: Headers
    let body: JSONValue?

    /// The status, for people.
    var outcome: String { status.map { "\($0)" } ?? "no answer" }
}

extension Shop {
    /// Sends a request that may be repeated, as a key protects it or it changes nothing, and reads the answer.
    func send(
        _ request: ClientRequest,
        within limit: Duration = .seconds(20)
    ) async throws(ClientError) -> (ClientResponse, body: [UInt8]) {
        var request = request
        request.isReplayable = true
        let response = try await client.send(request, to: endpoint, until: .after(limit))
        return (response, try await response.body(limit: 1 << 20))
    }

    /// Asks once and reads the whole answer.
    func see(
        _ request: ClientRequest,
        as account: Account? = nil,
        within limit: Duration = .seconds(20)
    ) async -> Seen {
        var request = request
        if let account { request.headers[.authorization] = "Bearer \(account.token)" }
        do throws(ClientError) {
            let (response, body) = try await send(request, within: limit)
            return Seen(
                status: response.status.code,
                headers: response.headers,
                body: try? JSON.decode(JSONValue.self, from: body)
            )
        } catch {
            return Seen(status: nil, headers: Headers(), body: nil)
        }
    }
}
