internal import Reactor

/// Takes a message's content out of the bytes of its connection, whatever its framing.
struct BodyDecoder: Sendable {
    enum Step: Sendable {
        /// Some content, never empty.
        case piece([UInt8])
        /// The content is complete.
        case end
        case needMore
    }

    private enum State {
        case length(Int)
        case chunked(ChunkDecoder)
        case untilClose
        case ended
    }

    private var state: State

    init(_ framing: BodyFraming) {
        switch framing {
        case .none: state = .ended
        case .length(let count): state = .length(count)
        case .chunked: state = .chunked(ChunkDecoder())
        case .untilClose: state = .untilClose
        }
    }

    var isEnded: Bool {
        if case .ended = state { true } else { false }
    }

    /// How many bytes are still to come, where that is known.
    var remaining: Int? {
        switch state {
        case .length(let count): count
        case .ended: 0
        case .chunked, .untilClose: nil
        }
    }

    /// Looks at what is in the buffer and consumes what it understood.
    mutating func decode(_ buffer: inout ByteBuffer) throws(ParseError) -> Step {
        switch state {
        case .ended: return .end
        case .length(let count):
            guard !buffer.isEmpty else { return .needMore }
            let piece = buffer.take(min(count, buffer.count))
            state = piece.count == count ? .ended : .length(count - piece.count)
            return .piece(piece)
        case .untilClose:
            return buffer.isEmpty ? .needMore : .piece(buffer.take(buffer.count))
        case .chunked(var decoder):
            defer { if case .chunked = state { state = .chunked(decoder) } }
            return try chunks(&decoder, &buffer)
        }
    }

    /// Everything that is complete in the buffer becomes one piece: many small chunks cost little.
    private mutating func chunks(
        _ decoder: inout ChunkDecoder,
        _ buffer: inout ByteBuffer
    ) throws(ParseError) -> Step {
        var piece: [UInt8] = []
        while true {
            let step = try buffer.withSpan { input throws(ParseError) in try decoder.decode(input) }
            switch step {
            case .data(let range):
                buffer.consume(range.lowerBound)
                let data = buffer.take(range.count)
                if piece.isEmpty { piece = data } else { piece.append(contentsOf: data) }
            case .needMore(let consumed):
                buffer.consume(consumed)
                return piece.isEmpty ? .needMore : .piece(piece)
            case .end(let consumed):
                buffer.consume(consumed)
                state = .ended
                return piece.isEmpty ? .end : .piece(piece)
            }
        }
    }

    /// What the end of the connection means to the content.
    mutating func connectionEnded() throws(ParseError) {
        switch state {
        case .ended, .untilClose: state = .ended
        case .length, .chunked: throw .malformed("the content was cut short")
        }
    }
}
