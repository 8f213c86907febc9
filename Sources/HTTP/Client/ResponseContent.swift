internal import Reactor

/// The content of one response on a client's connection, which it gives back at the end.
///
/// Safe to send (`@unchecked Sendable`): read on the connection's loop; `deinit` may run anywhere and
/// hands the connection to its loop.
final class ResponseContent: BodySource, @unchecked Sendable {
    let announced: Int?
    private var connection: ClientConnection?
    private var decoder: BodyDecoder
    private let isReusable: Bool
    private let deadline: Deadline

    init(_ head: ResponseHead, _ connection: ClientConnection, until deadline: Deadline) {
        decoder = BodyDecoder(head.framing)
        announced = decoder.remaining
        isReusable = head.keepsAlive
        self.connection = connection
        self.deadline = deadline
    }

    deinit {
        // Left unread: where the next response begins would be a guess.
        guard let connection else { return }
        connection.stream.loop.execute { connection.close() }
    }

    func nextPiece() async throws(Problem) -> [UInt8]? {
        while let connection {
            do throws(ClientError) {
                switch try step(connection) {
                case .piece(let bytes):
                    finishIfEnded()
                    return bytes
                case .end:
                    finishIfEnded()
                    return nil
                case .needMore: try await readMore(connection)
                }
            } catch {
                self.connection = nil
                connection.close()
                if case .timedOut = error { throw Problem(.gatewayTimeout) }
                throw Problem(.badGateway, detail: "the response was cut short")
            }
        }
        guard decoder.isEnded else {
            throw Problem(.badGateway, detail: "the response was cut short")
        }
        return nil
    }

    /// Gives the connection back once nothing of the content is left on it.
    func finishIfEnded() {
        guard decoder.isEnded, let connection else { return }
        self.connection = nil
        connection.release(reusable: isReusable)
    }

    private func step(_ connection: ClientConnection) throws(ClientError) -> BodyDecoder.Step {
        do throws(ParseError) { return try decoder.decode(&connection.input) } catch {
            throw ClientError(error)
        }
    }

    private func readMore(_ connection: ClientConnection) async throws(ClientError) {
        let count: Int
        do throws(SocketError) {
            count = try await connection.stream.read(into: &connection.input, until: deadline)
        } catch { throw ClientError(error, sent: true) }
        guard count == 0 else { return }
        do throws(ParseError) { try decoder.connectionEnded() } catch { throw ClientError(error) }
    }
}
