/// How the end of a message's content is found (RFC 9112 §6.3).
public enum BodyFraming: Sendable, Equatable {
    /// There is no content.
    case none
    /// Exactly so many bytes.
    case length(Int)
    /// Chunks, until the last one.
    case chunked
    /// Everything until the connection ends; responses only.
    case untilClose
}

/// What the header fields say about framing and the connection, read in one pass.
struct FramingFields: Sendable {
    var contentLength: Int?
    var isChunked = false
    var closes = false
    var keepsAlive = false
    var expects: Range<Int>?
    var host: Range<Int>?

    /// Refuses whatever two readers could understand differently: that is where smuggling lives.
    init(_ headers: Headers) throws(ParseError) {
        for field in headers.fields {
            switch field.nameCount {
            case 4 where headers.matches(field, .host):
                guard host == nil else { throw .malformed("more than one Host") }
                host = headers.bytes(field)
            case 6 where headers.matches(field, .expect):
                guard expects == nil else { throw .malformed("more than one Expect") }
                expects = headers.bytes(field)
            case 10 where headers.matches(field, .connection):
                connection(headers.block, headers.bytes(field))
            case 14 where headers.matches(field, .contentLength):
                guard contentLength == nil else {
                    throw .malformed("more than one Content-Length")
                }
                contentLength = try Self.length(headers.block, headers.bytes(field))
            case 17 where headers.matches(field, .transferEncoding):
                guard !isChunked else { throw .malformed("more than one Transfer-Encoding") }
                try Self.coding(headers.block, headers.bytes(field))
                isChunked = true
            default: break
            }
        }
        guard !(isChunked && contentLength != nil) else {
            throw .malformed("both Content-Length and Transfer-Encoding")
        }
    }

    /// `Connection` is a list in any case and any number of fields; `close` anywhere wins.
    private mutating func connection(_ block: [UInt8], _ range: Range<Int>) {
        // Hardly anybody says more than that.
        if ByteClass.equals(block, range, "keep-alive") { return keepsAlive = true }
        for member in ByteClass.members(of: block, range) {
            if ByteClass.equals(block, member, "close") { closes = true }
            if ByteClass.equals(block, member, "keep-alive") { keepsAlive = true }
        }
    }

    /// Digits and nothing else, below 2^63 (RFC 9110 §8.6).
    private static func length(_ block: [UInt8], _ range: Range<Int>) throws(ParseError) -> Int {
        var value = 0
        guard (1...19).contains(range.count) else { throw .malformed("a bad Content-Length") }
        for byte in block[range] {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(byte) - 0x30)
            guard ByteClass.isDigit(byte), !overflow, !carry else {
                throw .malformed("a bad Content-Length")
            }
            value = sum
        }
        return value
    }

    /// Exactly `chunked`; other well-formed codings before it, or alone, are 501, anything else 400.
    private static func coding(_ block: [UInt8], _ range: Range<Int>) throws(ParseError) {
        if ByteClass.equals(block, range, "chunked") { return }
        let members = ByteClass.members(of: block, range)
        let chunked = members.filter { ByteClass.equals(block, $0, "chunked") }
        guard let last = members.last, chunked.isEmpty || (chunked == [last] && members.count > 1),
            members.allSatisfy({ block[$0].allSatisfy(ByteClass.isToken) })
        else { throw .malformed("a bad Transfer-Encoding") }
        throw .codingUnsupported
    }
}
