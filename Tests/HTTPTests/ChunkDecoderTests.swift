import HTTP
import Testing

/// The content and what was left behind it, or the status of the refusal; `step` bytes at a time.
private func decode(_ input: String, by step: Int) -> String {
    let bytes = [UInt8](input.unicodeScalars.map { UInt8($0.value) })
    var decoder = ChunkDecoder()
    var (content, start, end): ([UInt8], Int, Int) = ([], 0, 0)
    do throws(ParseError) {
        while end < bytes.count {
            end = min(bytes.count, end + step)
            show: while true {
                switch try decoder.decode(bytes.span.extracting(start..<end)) {
                case .needMore(let consumed):
                    start += consumed
                    break show
                case .data(let range):
                    content += bytes[start + range.lowerBound..<start + range.upperBound]
                    start += range.upperBound
                case .end(let consumed):
                    let rest = String(decoding: bytes[(start + consumed)...], as: UTF8.self)
                    return "\(String(decoding: content, as: UTF8.self))|\(rest)"
                }
            }
        }
        return "more"
    } catch {
        return String(error.status.code)
    }
}

private func many(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

@Suite struct ChunkDecoderTests {
    @Test(
        arguments: [
            ("0\r\n\r\n", "|"),
            ("5\r\nhello\r\n0\r\n\r\nGET", "hello|GET"),
            ("5\r\nhello\r\nA\r\n0123456789\r\n000\r\n\r\n", "hello0123456789|"),
            ("5;a=b\r\nhello\r\n0;c=\"d\"\r\nX: y\r\nZ:\r\n\r\n", "hello|"),
            ("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello|"),
            ("5\r\nhel", "more"),
            ("0\r\n\r", "more"),
            ("7fffffffffffffff\r\na", "more"),
            ("\r\n", "400"),
            (";a\r\n", "400"),
            ("0x5\r\nhello", "400"),
            ("+5\r\n", "400"),
            ("-5\r\n", "400"),
            (" 5\r\n", "400"),
            ("5 \r\n", "400"),
            ("5 ;a\r\n", "400"),
            ("5_0\r\n", "400"),
            ("g\r\n", "400"),
            ("00000000000000005\r\n", "400"),
            ("8000000000000000\r\n", "400"),
            ("ffffffffffffffff\r\n", "400"),
            ("5\nhello\r\n", "400"),
            ("5\rhello", "400"),
            ("5\r\nhello0\r\n", "400"),
            ("5\r\nhello!\r\n", "400"),
            ("5\r\nhello\n0", "400"),
            ("5\r\nhello\rx", "400"),
            ("5\r\nhell\r\n0\r\n\r\n", "400"),
            ("5;a\u{00}\r\n", "400"),
            ("5;a\nb\r\n", "400"),
            ("5;a\rb\r\n", "400"),
            ("5;" + many("a", 1 << 20), "400"),
            ("0\r\nX y\r\n\r\n", "400"),
            ("0\r\n: y\r\n\r\n", "400"),
            ("0\r\n y\r\n\r\n", "400"),
            ("0\r\nX: y\n\r\n", "400"),
            ("0\r\nX: y\r\n z\r\n\r\n", "400"),
            ("0\r\nX: \u{00}\r\n\r\n", "400"),
            ("0\r\n\n", "400"),
            ("0\n\n", "400"),
            ("0\r\nX: " + many("a", 1 << 14), "431"),
            ("0\r\n" + many("X:\r\n", 101) + "\r\n", "431"),
        ])
    func `chunks decode strictly, however they are split`(input: String, expected: String) {
        for step in [1 << 24, 1, 2, 3, 7] {
            #expect(decode(input, by: step) == expected, "\(step) bytes at a time")
        }
    }

    @Test func `twenty thousand chunks of one byte are one content`() {
        let input = many("1\r\nx\r\n", 20_000) + "0\r\n\r\n"
        #expect(decode(input, by: 4096) == many("x", 20_000) + "|")
    }
}
