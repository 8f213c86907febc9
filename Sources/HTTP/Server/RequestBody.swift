internal import Reactor

/// The content of one request on a server's connection.
///
/// Safe to send (`@unchecked Sendable`): read by the connection's task, on its loop.
final class RequestBody: BodySource, @unchecked Sendable {
    let announced: Int?
    private var connection: ServerConnection?
    private var decoder: BodyDecoder
    private var awaitsContinue: Bool
    private var received = 0
    /// How much was read since others had their turn.
    private var unyielded = 0
    private var start: Deadline?
    private var failed = false

    init(_ framing: BodyFraming, _ expectsContinue: Bool, _ connection: ServerConnection) {
        self.connection = connection
        decoder = BodyDecoder(framing)
        announced = decoder.remaining
        awaitsContinue = expectsContinue
    }

    /// What of an unread content is read and thrown away to keep the connection.
    private static let skipLimit = 65_536

    /// Whether the rest may be worth reading: then the connection can serve another request.
    var canSkip: Bool {
        !failed && (decoder.isEnded || !awaitsContinue)
            && decoder.remaining ?? 0 <= Self.skipLimit
    }

    func nextPiece() async throws(Problem) -> [UInt8]? {
        guard let connection else { throw .badRequest("the request has ended") }
        do throws(BodyFailure) {
            guard let piece = try await piece(connection) else { return nil }
            received += piece.count
            guard received <= connection.limits.bodyBytes else {
                failed = true
                throw .parse(.contentTooLarge)
            }
            return piece
        } catch {
            failed = true
            switch error {
            case .parse(let error): throw Problem(error.status, detail: error.detail)
            case .socket(.timedOut):
                throw Problem(.requestTimeout, detail: "the content came too slowly")
            case .socket: throw .badRequest("the content was cut short")
            }
        }
    }

    private enum BodyFailure: Error {
        case parse(ParseError)
        case socket(SocketError)
    }

    private func piece(_ connection: ServerConnection) async throws(BodyFailure) -> [UInt8]? {
        while true {
            do throws(ParseError) {
                switch try decoder.decode(&connection.input) {
                case .piece(let bytes):
                    awaitsContinue = false
                    return bytes
                case .end: return nil
                case .needMore: break
                }
            } catch { throw .parse(error) }
            let count: Int
            do throws(SocketError) {
                if awaitsContinue {
                    awaitsContinue = false
                    connection.output.append(contentsOf: "HTTP/1.1 100 Continue\r\n\r\n".utf8)
                }
                try await connection.flush()
                let deadline = deadline(connection.limits)
                count = try await connection.stream.read(into: &connection.input, until: deadline)
            } catch { throw .socket(error) }
            unyielded += count
            if unyielded >= ServerConnection.contentShare {
                // A client that sends faster than this is read never makes the read wait.
                unyielded = 0
                await Task.yield()
            }
            if count == 0 {
                do throws(ParseError) { try decoder.connectionEnded() } catch {
                    throw .parse(error)
                }
            }
        }
    }

    /// The slower the content, the sooner it must end: fixed time plus what its bytes need.
    private func deadline(_ limits: HTTPLimits) -> Deadline {
        let start = start ?? .now
        self.start = start
        let earned = Duration.milliseconds(received * 1000 / max(1, limits.minimumRate))
        return start.advanced(by: limits.bodyTime + earned)
    }

    /// From now on a `100` would land in the middle of the answer.
    func finalStatusBegins() { awaitsContinue = false }

    /// Reads the rest and throws it away; false when there was too much of it.
    func skip() async throws(SocketError) -> Bool {
        guard let connection else { return false }
        var skipped = 0
        while !decoder.isEnded {
            guard !failed, skipped <= Self.skipLimit else { return false }
            do throws(BodyFailure) {
                skipped += try await piece(connection)?.count ?? 0
            } catch {
                if case .socket(let error) = error { throw error }
                return false
            }
        }
        return true
    }

    /// The request is over: who still holds its reader gets nothing of the next one.
    func detach() { connection = nil }
}
