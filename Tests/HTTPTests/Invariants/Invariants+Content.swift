@testable import HTTP

extension Invariants {
    private struct Decoded: Equatable {
        var data: [UInt8] = []
        var consumed = 0
        var error: String?
        var isComplete = false
    }

    /// Chunks: the same for any split, never more than came, and content survives the coding.
    @Sendable public static func chunks(_ input: [UInt8]) -> String? {
        let whole = decode(input, [input.count])
        if whole.consumed > input.count || whole.data.count > input.count {
            return "more than there is"
        }
        let split = decode(input, cuts(input))
        if split != whole { return "split: \(split), whole: \(whole)" }
        if input.count <= 4096 {
            let slow = decode(input, Array(0...input.count))
            if slow != whole { return "byte by byte: \(slow), whole: \(whole)" }
        }
        return roundTrip(input)
    }

    /// The input as content, in chunks whose sizes it chooses itself, comes back as it was.
    private static func roundTrip(_ input: [UInt8]) -> String? {
        var encoded: [UInt8] = []
        var index = 0
        while index < input.count {
            let size = min(Int(input[index]) + 1, input.count - index)
            encoded += [UInt8](String(size, radix: 16).utf8) + [0x0D, 0x0A]
            encoded += input[index..<index + size] + [0x0D, 0x0A]
            index += size
        }
        encoded += [UInt8]("0\r\n\r\n".utf8)
        let decoded = decode(encoded + [0x47], cuts(encoded))
        if decoded.data != input || !decoded.isComplete || decoded.consumed != encoded.count {
            return "encoded and decoded: \(decoded)"
        }
        return nil
    }

    private static func decode(_ input: [UInt8], _ stops: [Int]) -> Decoded {
        var decoder = ChunkDecoder()
        var result = Decoded()
        for stop in stops {
            var isHungry = stop > result.consumed
            while isHungry {
                do throws(ParseError) {
                    let span = input.span.extracting(result.consumed..<stop)
                    switch try decoder.decode(span) {
                    case .needMore(let count):
                        result.consumed += count
                        isHungry = false
                    case .data(let range):
                        result.data += span.copy(range)
                        result.consumed += range.upperBound
                        isHungry = result.consumed < stop
                    case .end(let count):
                        result.consumed += count
                        result.isComplete = true
                        return result
                    }
                } catch {
                    // How far it had looked when it refused depends on the split; what it gave does not.
                    result.error = "\(error)"
                    result.consumed = 0
                    return result
                }
            }
        }
        return result
    }

    /// Percent-encoding, paths, queries and targets: decoding and encoding are inverse.
    @Sendable public static func url(_ input: [UInt8]) -> String? {
        if let decoded = Percent.decode(input[...]), decoded.count > input.count {
            return "decoding grows"
        }
        let text = String(decoding: input, as: UTF8.self)
        let encoded = Percent.encode(text)
        if !text.utf8.contains(0), Percent.decode(Array(encoded.utf8)[...]) != Array(text.utf8) {
            return "encoded and decoded differs"
        }
        return path(text) ?? query(text) ?? target(input)
    }

    private static func path(_ text: String) -> String? {
        guard let path = Path(text) else { return nil }
        for segment in path.segments {
            if segment.isEmpty || segment == "." || segment == ".." {
                return "a segment '\(segment)'"
            }
            for byte in segment.utf8
            where byte < 0x20 || byte == 0x7F || byte == 0x2F || byte == 0x5C {
                return "a byte \(byte) in a segment"
            }
        }
        let again = Path("/" + path.segments.map(Percent.encode).joined(separator: "/"))
        return again == path ? nil : "'\(path)' became '\(again?.description ?? "nil")'"
    }

    private static func query(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard Query.isValid(bytes, bytes.indices) else { return nil }
        let fields = Query(text).map { [$0.name, $0.value] }
        let written = fields.map { "\(Percent.encode($0[0]))=\(Percent.encode($0[1]))" }.joined(
            separator: "&"
        )
        let again = Query(written).map { [$0.name, $0.value] }
        // A lone `=` is one empty field; without any bytes there is none.
        return again == fields || fields.allSatisfy({ $0 == ["", ""] })
            ? nil : "\(fields) became \(again)"
    }

    /// A target that a head accepts leads to a path that a second reading leaves as it is.
    private static func target(_ input: [UInt8]) -> String? {
        var parser = RequestParser()
        let bytes = [UInt8]("GET ".utf8) + input + [UInt8](" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        guard let head = try? parser.parse(bytes.span), head.length == bytes.count else {
            return nil
        }
        if head.target.utf8.count != input.count { return "another target" }
        if head.host?.isEmpty != false { return "an empty host" }
        return head.path == .asterisk
            ? "an asterisk"
            : path(head.path.description.contains("%") ? "/" : head.path.description)
    }
}
