internal import Synchronization

/// How much of a content may still come, and what went wrong with it.
final class Allowance: Sendable {
    private struct State {
        var left: Int
        var failure: Problem?
    }

    private let state: Mutex<State>
    private let limit: Int

    init(_ limit: Int) {
        self.limit = limit
        state = Mutex(State(left: limit))
    }

    var failure: Problem? { state.withLock { $0.failure } }

    /// The reader's next piece, as long as the limit allows it.
    func next(of reader: BodyReader) async throws(Problem) -> [UInt8]? {
        do throws(Problem) {
            if let length = reader.length, length > limit { throw BodyReader.tooLarge(limit) }
            guard let piece = try await reader.next() else { return nil }
            let isWithin = state.withLock { state in
                state.left -= piece.count
                return state.left >= 0
            }
            guard isWithin else { throw BodyReader.tooLarge(limit) }
            return piece
        } catch {
            state.withLock { $0.failure = error }
            throw error
        }
    }
}
