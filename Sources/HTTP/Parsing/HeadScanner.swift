/// Finds the lines of a message head and the fields in it, for requests and responses alike.
///
/// A pure value: the caller shows it the same bytes again, with more behind them, until the head is
/// complete. It remembers how far it has looked, so a head that comes byte by byte costs no more than
/// one that comes at once, and every decision follows from the order of the bytes alone: however the
/// input is split, the outcome is the same (RFC 9112 §2.2, §5).
struct HeadScanner: Sendable {
    enum Step: Equatable {
        /// The start line is complete and lies here, without its CRLF.
        case startLine(Range<Int>)
        /// The head ends before this offset.
        case complete(Int)
        case needMore
    }

    private enum Stage { case start, fields }

    private(set) var fields: [Headers.Field] = []
    private var stage = Stage.start
    private var lineStart = 0
    private var scanned = 0
    private var fieldsStart = 0
    private var mayBeEmptyLine: Bool

    let startLineLimit: Int
    let headerLimit: Int
    let countLimit: Int

    /// - Parameter emptyLine: whether one empty line before the start line is ignored.
    init(startLineLimit: Int, headerLimit: Int, countLimit: Int, emptyLine: Bool) {
        self.startLineLimit = startLineLimit
        self.headerLimit = headerLimit
        self.countLimit = countLimit
        mayBeEmptyLine = emptyLine
    }

    mutating func advance(_ input: Span<UInt8>) throws(ParseError) -> Step {
        while let line = try nextLine(input) {
            switch stage {
            case .start:
                if line.isEmpty {
                    guard mayBeEmptyLine else { throw .malformed("an empty start line") }
                    mayBeEmptyLine = false
                    continue
                }
                stage = .fields
                fieldsStart = lineStart
                return .startLine(line)
            case .fields:
                if line.isEmpty { return .complete(lineStart) }
                try field(input, line)
            }
        }
        return .needMore
    }

    /// The next complete line without its CRLF; nil when its end has not come yet.
    private mutating func nextLine(_ input: Span<UInt8>) throws(ParseError) -> Range<Int>? {
        let limit = stage == .start ? lineStart + startLineLimit : fieldsStart + headerLimit
        let end = min(input.count, limit)
        let index = ByteClass.endOfFieldValue(input, scanned..<end)
        scanned = index
        guard index < end else {
            guard index < limit else {
                throw stage == .start ? .targetTooLong : .headersTooLarge
            }
            return nil
        }
        guard input[index] == 0x0D else { throw .malformed("a control character") }
        guard index + 1 < input.count else { return nil }
        guard input[index + 1] == 0x0A else { throw .malformed("CR without LF") }
        defer {
            lineStart = index + 2
            scanned = index + 2
        }
        return lineStart..<index
    }

    /// Records a field line (RFC 9112 §5).
    private mutating func field(_ input: Span<UInt8>, _ line: Range<Int>) throws(ParseError) {
        guard fields.count < countLimit else { throw .headersTooLarge }
        // Most heads have no more: one allocation instead of four.
        if fields.isEmpty { fields.reserveCapacity(min(countLimit, 12)) }
        let colon = ByteClass.endOfToken(input, line)
        // White space before the colon, folding, an empty name and a missing colon all end here.
        guard colon > line.lowerBound, colon < line.upperBound, input[colon] == 0x3A else {
            throw .malformed("a malformed header field")
        }
        var start = colon + 1
        var end = line.upperBound
        while start < end, ByteClass.isBlank(input[start]) { start += 1 }
        while end > start, ByteClass.isBlank(input[end - 1]) { end -= 1 }
        fields.append(
            Headers.Field(
                nameStart: UInt32(line.lowerBound),
                nameCount: UInt32(colon - line.lowerBound),
                valueStart: UInt32(start),
                valueCount: UInt32(end - start)
            )
        )
    }
}
