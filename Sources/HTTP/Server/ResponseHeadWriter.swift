/// Renders the head of a response: the lines that every answer has are kept as bytes.
struct ResponseHeadWriter {
    private static let statusLines: [[UInt8]] = (100...599).map { code in
        let status = Status(code)
        return [UInt8]("HTTP/1.1 \(code) \(status.reason)\r\n".utf8)
    }
    private static let close = [UInt8]("connection: close\r\n".utf8)
    private static let keepAlive = [UInt8]("connection: keep-alive\r\n".utf8)
    private static let length = [UInt8]("content-length: ".utf8)
    private static let chunked = [UInt8]("transfer-encoding: chunked\r\n".utf8)

    /// What the server adds to `Date`, framing and connection fields of a response.
    struct Terms {
        /// Whether the request's method is HEAD.
        var isHead: Bool
        var version: Version?
        var closing: Bool
        /// The line with the present time.
        var date: [UInt8]
    }

    /// Appends the head to `output`, and `content` behind it.
    static func append(
        _ response: Response,
        _ terms: Terms,
        with content: [UInt8],
        to output: inout [UInt8]
    ) {
        let status = statusLines[response.status.code - 100]
        let date = response.date?.bytes ?? terms.date
        let known = status.count + date.count + content.count
        // Behind what is counted there is room for the lines that are not, which are short.
        output.append(addingCapacity: known + response.headers.serialisedLimit + 128) { span in
            span.append(status.span)
            span.append(date.span)
            if terms.closing {
                span.append(close.span)
            } else if terms.version == .http10 {
                span.append(keepAlive.span)
            }
            let keepLength = appendFraming(response, terms, to: &span)
            response.headers.serialise(into: &span, keepLength: keepLength)
            span.append(0x0D)
            span.append(0x0A)
            span.append(content.span)
        }
    }

    /// Says how the content ends; true when the response's own `Content-Length` stays.
    ///
    /// A proxied answer to HEAD, or a 304, may tell the length that GET would have; everything else
    /// is framed by what is really sent (RFC 9110 §8.6).
    private static func appendFraming(
        _ response: Response,
        _ terms: Terms,
        to output: inout OutputSpan<UInt8>
    ) -> Bool {
        let status = response.status
        switch response.body {
        case _ where status.forbidsContent && status != .notModified: break
        case .none:
            if terms.isHead || status == .notModified,
                response.headers.contains(.contentLength)
            {
                return true
            }
            if status != .notModified { appendLength(0, to: &output) }
        case .bytes(let content): appendLength(content.count, to: &output)
        case .stream(let length?, _): appendLength(length, to: &output)
        case .stream(nil, _):
            if terms.version == .http11 { output.append(chunked.span) }
        }
        return false
    }

    private static func appendLength(_ count: Int, to output: inout OutputSpan<UInt8>) {
        output.append(length.span)
        DecimalDigits(count).withSpan { digits in
            output.append(digits)
        }
        output.append(0x0D)
        output.append(0x0A)
    }
}
