internal import Reactor

/// How fast a content may come, and until when.
struct Pace: Sendable {
    private let bytesPerSecond: Int
    private let deadline: Deadline

    init(_ bytesPerSecond: Int, _ deadline: Deadline) {
        self.bytesPerSecond = max(1, bytesPerSecond)
        self.deadline = deadline
    }

    /// The reader's next piece, after the time that it takes at this pace.
    func next(of reader: BodyReader) async throws(Problem) -> [UInt8]? {
        guard let piece = try await reader.next() else { return nil }
        let end = Deadline.after(.microseconds(piece.count * 1_000_000 / bytesPerSecond))
        do throws(SocketError) { try await EventLoop.sleep(until: end.or(earlier: deadline)) } catch
        {
            throw Problem(.badGateway, detail: "the response was cut short")
        }
        if end > deadline { throw Problem(.gatewayTimeout) }
        return piece
    }
}
