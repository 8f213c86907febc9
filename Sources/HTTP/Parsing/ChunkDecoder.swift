/// Takes the chunked transfer coding apart (RFC 9112 §7.1): strict, resumable, without input or
/// output, and without allocation, so an absurd size costs nothing.
public struct ChunkDecoder: Sendable {
    /// What one look at the input led to.
    public enum Step: Sendable, Equatable {
        /// Drop so many bytes from the input, then show more.
        case needMore(consumed: Int)
        /// These bytes of the input are content; drop all up to the end of the range and go on.
        case data(Range<Int>)
        /// The content and its trailers are complete; drop so many bytes, the rest is not ours.
        case end(consumed: Int)
    }

    private enum State {
        case size, extensions, sizeLF, data, dataCR, dataLF
        case trailerStart, trailerName, trailerValue, trailerLF, finalLF, done
    }

    private var state = State.size
    private var remaining = 0
    private var digits = 0
    private var overhead = 0
    private var fields = 0
    private let extensionLimit: Int
    private let trailerLimit: Int
    private let fieldLimit: Int

    /// A decoder at the start of a content, bounding all its extensions and all its trailers.
    public init(extensionBytes: Int = 16_384, trailerBytes: Int = 8192, trailerCount: Int = 100) {
        extensionLimit = extensionBytes
        trailerLimit = trailerBytes
        fieldLimit = trailerCount
    }

    /// Looks at the input, which begins where the last step told the caller to drop up to.
    public mutating func decode(_ input: Span<UInt8>) throws(ParseError) -> Step {
        var index = 0
        while index < input.count {
            if state == .data {
                let end = index + min(remaining, input.count - index)
                remaining -= end - index
                if remaining == 0 { state = .dataCR }
                return .data(index..<end)
            }
            let byte = input[index]
            index += 1
            switch state {
            case .size, .extensions, .sizeLF: try sizeLine(byte)
            case .data, .done: break
            case .dataCR:
                try require(byte == 0x0D)
                state = .dataLF
            case .dataLF:
                try require(byte == 0x0A)
                (state, digits) = (.size, 0)
            case .trailerStart, .trailerName, .trailerValue, .trailerLF, .finalLF:
                try trailers(byte)
            }
            if state == .done { return .end(consumed: index) }
        }
        return .needMore(consumed: index)
    }

    private mutating func sizeLine(_ byte: UInt8) throws(ParseError) {
        switch (state, byte) {
        case (.size, 0x3B) where digits > 0: state = .extensions
        case (.size, 0x0D) where digits > 0: state = .sizeLF
        case (.size, _):
            guard let digit = ByteClass.hexValue(byte), digits < 16, remaining >> 59 == 0 else {
                throw .malformed("a bad chunk size")
            }
            digits += 1
            remaining = remaining << 4 | Int(digit)
        case (.extensions, 0x0D): state = .sizeLF
        case (.extensions, _):
            overhead += 1
            // Ignored, so only bounded and kept free of what could end a line elsewhere.
            guard ByteClass.isFieldValue(byte), overhead <= extensionLimit else {
                throw .malformed("a bad chunk extension")
            }
        default:
            try require(byte == 0x0A)
            if remaining == 0 { overhead = 0 }
            state = remaining == 0 ? .trailerStart : .data
        }
    }

    /// Trailers are checked like fields and thrown away: nothing in them may frame or route.
    private mutating func trailers(_ byte: UInt8) throws(ParseError) {
        overhead += 1
        guard overhead <= trailerLimit else { throw .headersTooLarge }
        switch (state, byte) {
        case (.trailerStart, 0x0D): state = .finalLF
        case (.trailerStart, _):
            fields += 1
            guard fields <= fieldLimit else { throw .headersTooLarge }
            try require(ByteClass.isToken(byte))
            state = .trailerName
        case (.trailerName, 0x3A): state = .trailerValue
        case (.trailerName, _): try require(ByteClass.isToken(byte))
        case (.trailerValue, 0x0D): state = .trailerLF
        case (.trailerValue, _): try require(ByteClass.isFieldValue(byte))
        case (.trailerLF, _):
            try require(byte == 0x0A)
            state = .trailerStart
        default:
            try require(byte == 0x0A)
            state = .done
        }
    }

    private func require(_ condition: Bool) throws(ParseError) {
        guard condition else { throw .malformed("a malformed chunked content") }
    }
}
