internal import Reactor

/// Writes a streamed content to a client's connection.
///
/// Safe to send (`@unchecked Sendable`): used by the connection's task, on its loop.
final class ResponseWriter: BodyWriter, @unchecked Sendable {
    private var connection: ServerConnection?
    private let length: Int?
    private let isChunked: Bool
    private(set) var sent = 0

    init(_ connection: ServerConnection, length: Int?, isChunked: Bool) {
        self.connection = connection
        self.length = length
        self.isChunked = isChunked
    }

    var isDraining: Bool { connection?.server.isDraining ?? true }

    func write(_ bytes: [UInt8]) async throws(SocketError) {
        guard !bytes.isEmpty else { return }
        // After the response has ended, and beyond its announced length, nothing may follow.
        guard let connection, sent + bytes.count <= length ?? .max else { throw .closed }
        sent += bytes.count
        if isChunked {
            connection.output.append(contentsOf: String(bytes.count, radix: 16).utf8)
            connection.output.append(contentsOf: "\r\n".utf8)
        }
        try await connection.flush(with: bytes)
        if isChunked { connection.output.append(contentsOf: "\r\n".utf8) }
        try await connection.flush()
    }

    func flush() async throws(SocketError) {
        guard let connection else { throw .closed }
        try await connection.flush()
    }

    /// Completes the content; too short a one cannot be completed.
    func finish() throws(SocketError) {
        guard let connection, length == nil || length == sent else { throw .closed }
        if isChunked { connection.output.append(contentsOf: "0\r\n\r\n".utf8) }
        detach()
    }

    /// The connection goes on to other things, or away.
    func detach() { connection = nil }
}
