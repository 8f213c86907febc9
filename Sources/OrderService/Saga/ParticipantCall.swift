internal import HTTP
internal import Mesh
internal import Sagas

/// Asks a participant of the saga for something, and reads what its answer means.
struct ParticipantCall: Sendable {
    /// The longest answer a participant gives.
    private static let maxAnswer = 256 * 1024

    let upstream: Upstream

    /// What a participant answered, as far as a saga cares.
    enum Answer: Sendable {
        /// 2xx.
        case done
        /// 4xx: a definite no, with its problem document.
        case refused(type: String, JSONValue)
        /// Everything else, no answer included.
        case unknown(String)
    }

    /// Sends a request that may be repeated without harm.
    func send(_ request: ClientRequest) async -> Answer {
        do throws(MeshError) {
            let response = try await upstream.call(request, CallOptions(isIdempotent: true))
            switch response.status.code {
            case 200..<300:
                // What it says is known. Reading it to its end keeps the connection.
                _ = try? await response.body(limit: Self.maxAnswer)
                return .done
            case 408, 425, 429: return .unknown("\(upstream.name) answered \(response.status.code)")
            case 400..<500:
                guard let problem = await content(of: response), let type = problem["type"]?.string
                else {
                    return .unknown(
                        "\(upstream.name) answered \(response.status.code) without a reason"
                    )
                }
                return .refused(type: type, problem)
            default: return .unknown("\(upstream.name) answered \(response.status.code)")
            }
        } catch {
            return .unknown("\(error)")
        }
    }

    private func content(of response: ClientResponse) async -> JSONValue? {
        do throws(ClientError) {
            return try await response.json(JSONValue.self, limit: Self.maxAnswer)
        } catch {
            return nil
        }
    }

    /// Some members of a problem document as JSON text, to be told to the client.
    static func members(_ names: [String], of problem: JSONValue) -> String {
        var members: [String: JSONValue] = [:]
        for name in names {
            if let value = problem[name] { members[name] = value }
        }
        guard let bytes = try? JSON.encode(members) else { return "{}" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
