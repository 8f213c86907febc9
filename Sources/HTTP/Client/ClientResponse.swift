public import Reactor

/// A response whose head has come; its content is still to be read.
///
/// The connection goes back to the pool when the content was read to its end, and is closed when the
/// response is dropped before.
public struct ClientResponse: Sendable {
    /// The status.
    public let status: Status
    /// The fields.
    public var headers: Headers
    /// The content, as it arrives; what it throws has status 502, or 504 at the deadline.
    public let bodyStream: BodyReader
    /// The SPIFFE URI in the server's verified certificate.
    public let peerIdentity: String?

    init(
        status: Status,
        headers: Headers,
        bodyStream: BodyReader,
        peerIdentity: String?
    ) {
        self.status = status
        self.headers = headers
        self.bodyStream = bodyStream
        self.peerIdentity = peerIdentity
    }

    /// A response that no server gave, in place of one.
    ///
    /// A content that streams is left out.
    public init(_ response: Response) {
        status = response.status
        headers = response.headers
        peerIdentity = nil
        if case .bytes(let content) = response.body {
            bodyStream = BodyReader(content)
        } else {
            bodyStream = .none
        }
    }

    /// The same response with a content that comes at so many bytes a second, up to a deadline.
    public func slowed(to bytesPerSecond: Int, until deadline: Deadline) -> ClientResponse {
        ClientResponse(
            status: status,
            headers: headers,
            bodyStream: BodyReader(bodyStream, Pace(bytesPerSecond, deadline)),
            peerIdentity: peerIdentity
        )
    }

    /// All of the content.
    ///
    /// - Throws: `.tooLarge` beyond the limit, otherwise what cut it short.
    public func body(limit: Int = 8 << 20) async throws(ClientError) -> [UInt8] {
        do throws(Problem) {
            return try await bodyStream.collect(limit: limit)
        } catch {
            switch error.status {
            case .contentTooLarge: throw .tooLarge
            case .gatewayTimeout: throw .timedOut(sent: true)
            default: throw .closedEarly(sent: true)
            }
        }
    }

    /// The content as a JSON value.
    ///
    /// - Throws: as `body`, and `.protocolError` when it is no such value.
    public func json<Value: Decodable>(
        _ type: Value.Type = Value.self,
        limit: Int = 8 << 20
    ) async throws(ClientError) -> Value {
        let bytes = try await body(limit: limit)
        do {
            return try JSON.decode(type, from: bytes)
        } catch {
            throw .protocolError(
                Problem(decoding: error, of: bytes).detail ?? "the content is not as agreed"
            )
        }
    }
}
