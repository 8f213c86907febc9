internal import Glibc

/// One request to a loopback port that is looked after now and then instead of waited for.
///
/// While it is under way, other processes are watched and started again.
final class Exchange {
    private let descriptor: Int32
    private var received: [UInt8] = []
    private(set) var isOver = false
    /// The answer, once it is there; nil after the end means that there was none.
    private(set) var response: LoopbackResponse?

    /// Sends the request; a refused connection is an exchange that is over.
    init(
        _ method: String,
        _ path: String,
        port: UInt16,
        headers: [String],
        json: String? = nil
    ) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let connected = unsafe LoopbackAddress(port: port).with { address, length in
            unsafe connect(descriptor, address, length)
        }
        guard connected == 0 else {
            isOver = true
            return
        }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        for header in headers { head += header + "\r\n" }
        if let json {
            head += "Content-Type: application/json\r\nContent-Length: \(json.utf8.count)\r\n"
        }
        do throws(StackError) {
            try Files.write(Array((head + "\r\n" + (json ?? "")).utf8), to: descriptor)
        } catch {
            isOver = true
        }
    }

    deinit { close(descriptor) }

    /// Takes what has come so far; whether that was all.
    func poll() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        let size = chunk.count
        while !isOver {
            // Safe: recv writes at most size bytes into chunk, which holds that many.
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, size, Int32(MSG_DONTWAIT))
            }
            if count < 0, errno == EAGAIN || errno == EINTR { break }
            if count > 0 { received += chunk[..<count] }
            response = LoopbackHTTP.parse(received, atEnd: count <= 0)
            isOver = count <= 0 || response != nil
        }
        return isOver
    }
}
