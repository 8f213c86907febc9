internal import HTTP
internal import Identity
internal import Reactor

/// An event stream on its way to a client: it has no end of its own, so it gets one here.
///
/// It ends when the service ends it, when this process stops, and when the token that it was opened
/// with is not good any more: somebody who has signed out must not go on listening.
struct EventRelay: Sendable {
    let source: BodyReader
    /// Who judges tokens; nil where nobody does.
    let tokens: TokenGate?
    /// Whom the stream was opened for; nil for anybody.
    let claims: AccessClaims?

    /// Passes events on until the stream ends.
    ///
    /// - Throws: what cuts it short from either side.
    func run(_ writer: any BodyWriter) async throws {
        try await writer.flush()
        guard let tokens, let claims else { return try await copy(to: writer, unless: nil) }
        let isOver = OneShot<Bool>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await copy(to: writer, unless: isOver) }
            group.addTask {
                await tokens.end(of: claims)
                if !Task.isCancelled { isOver.resolve(true) }
            }
            try await group.next()
            // The other one: a read that is interrupted is an end, a write would leave half an event.
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func copy(to writer: any BodyWriter, unless isOver: OneShot<Bool>?) async throws {
        while !writer.isDraining, isOver?.value != true {
            let piece: [UInt8]?
            do { piece = try await source.next() } catch {
                if isOver?.value == true { return }
                throw error
            }
            guard let piece else { return }
            try await writer.write(piece)
        }
    }
}
