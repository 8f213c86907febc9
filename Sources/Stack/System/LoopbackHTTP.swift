internal import Glibc

/// An answer from an admin port.
struct LoopbackResponse: Equatable {
    var status: Int
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var isSuccess: Bool { (200..<300).contains(status) }
}

/// One request, one connection, one answer: all that a command-line tool needs of HTTP.
///
/// It blocks, with a timeout for every read, so that a paused process costs a moment, not the command.
enum LoopbackHTTP {
    static let answerLimit = 4 << 20

    /// Asks 127.0.0.1; nil when nobody listens, nobody answers in time or the answer is not HTTP.
    static func send(
        _ method: String = "GET",
        _ path: String,
        port: UInt16,
        headers: [String] = [],
        json: String? = nil,
        timeout: Duration = .seconds(1)
    ) -> LoopbackResponse? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        limit(descriptor, timeout)
        let connected = unsafe LoopbackAddress(port: port).with { address, length in
            unsafe connect(descriptor, address, length)
        }
        guard connected == 0 else { return nil }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        for header in headers { head += header + "\r\n" }
        if let json {
            head += "Content-Type: application/json\r\nContent-Length: \(json.utf8.count)\r\n"
        }
        do {
            try Files.write(Array((head + "\r\n" + (json ?? "")).utf8), to: descriptor)
        } catch {
            return nil
        }
        // A server may keep the connection open all the same: then the timeout ends the reading.
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        let size = chunk.count
        let end = ContinuousClock.now + timeout
        while received.count < answerLimit, ContinuousClock.now < end {
            // Safe: recv writes at most size bytes into chunk, which holds that many.
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, size, 0)
            }
            guard count > 0 else { break }
            received += chunk[..<count]
            if let response = parse(received, atEnd: false) { return response }
        }
        return parse(received, atEnd: true)
    }

    private static func limit(_ descriptor: Int32, _ timeout: Duration) {
        let (seconds, attoseconds) = timeout.components
        var length = timeval(
            tv_sec: Int(seconds),
            tv_usec: Int(attoseconds / 1_000_000_000_000)
        )
        let size = socklen_t(MemoryLayout<timeval>.size)
        // Safe: length outlives both calls and size is its own.
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &length, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &length, size)
    }

    /// Reads a response; nil while there is not enough of it (RFC 9112).
    static func parse(_ bytes: [UInt8], atEnd: Bool) -> LoopbackResponse? {
        let text = bytes[...]
        guard let headEnd = text.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: text[..<headEnd.lowerBound], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        guard let words = lines.first?.split(separator: " "), words.count >= 2,
            words[0].hasPrefix("HTTP/1."), let status = Int(words[1])
        else { return nil }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }).lowercased()
        }
        let rest = text[headEnd.upperBound...]
        if fields["transfer-encoding"] == "chunked" {
            return dechunk(rest).map { LoopbackResponse(status: status, body: $0) }
        }
        if let length = fields["content-length"].flatMap({ Int($0) }) {
            guard rest.count >= length else { return nil }
            return LoopbackResponse(status: status, body: Array(rest.prefix(length)))
        }
        if status == 204 || atEnd { return LoopbackResponse(status: status, body: Array(rest)) }
        return nil
    }

    /// Joins chunks; nil until the last one has come.
    private static func dechunk(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = bytes
        var body: [UInt8] = []
        while let line = rest.firstRange(of: Array("\r\n".utf8)) {
            let digits = String(
                decoding: rest[..<line.lowerBound].prefix { $0 != 0x3b },
                as: UTF8.self
            )
            guard let size = Int(digits, radix: 16), size >= 0, size <= answerLimit else {
                return nil
            }
            rest = rest[line.upperBound...]
            if size == 0 { return body }
            guard rest.count >= size + 2 else { return nil }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        return nil
    }
}
