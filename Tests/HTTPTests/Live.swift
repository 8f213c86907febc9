import HTTP
import Reactor
import Testing

/// The loops that all suites share.
let loops: EventLoopGroup = {
    guard let group = try? EventLoopGroup(count: 2) else { fatalError("no threads left") }
    return group
}()

/// Runs `body` on a loop.
func onLoop<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await Task(executorPreference: loops.next()) { try await body() }.value
}

/// Serves `handler` on a port of its own while `body` runs on a loop, then drains the server.
func serving<Value: Sendable>(
    limits: HTTPLimits = HTTPLimits(),
    _ handler: @escaping Handler,
    _ body: @escaping @Sendable (SocketAddress) async throws -> Value
) async throws -> Value {
    try await serving(limits, nil, Responder(handler), body)
}

/// The same of what answers at once where it can.
func serving<Value: Sendable>(
    limits: HTTPLimits = HTTPLimits(),
    _ responder: Responder,
    _ body: @escaping @Sendable (SocketAddress) async throws -> Value
) async throws -> Value {
    try await serving(limits, nil, responder, body)
}

func serving<Value: Sendable>(
    _ limits: HTTPLimits,
    _ observe: (@Sendable (Exchange) -> Void)?,
    _ responder: Responder,
    _ body: @escaping @Sendable (SocketAddress) async throws -> Value
) async throws -> Value {
    let listener = try Listener.bind(.loopback(port: 0))
    let server = HTTPServer(
        listener: listener,
        limits: limits,
        observe: observe,
        responder: responder
    )
    let running = Task { try await server.run(on: loops) }
    let outcome: Result<Value, any Error>
    do {
        outcome = .success(try await onLoop { try await body(listener.address) })
    } catch {
        outcome = .failure(error)
    }
    running.cancel()
    try await running.value
    return try outcome.get()
}

extension Reactor.Stream {
    static func open(_ address: SocketAddress) async throws -> Reactor.Stream {
        try await connect(to: address, until: .after(.seconds(5)))
    }

    func send(_ text: String) async throws {
        try await write([UInt8](text.utf8), until: .after(.seconds(5)))
    }

    /// Everything until the other side closes; nil if it does not within `limit`.
    func rest(within limit: Duration = .seconds(10)) async throws -> String? {
        var buffer = ByteBuffer()
        let deadline = Deadline.after(limit)
        do throws(SocketError) {
            while try await read(into: &buffer, until: deadline) > 0 {}
        } catch {
            guard error == .closed else { return nil }
        }
        return String(decoding: buffer.take(buffer.count), as: UTF8.self)
    }

    /// Reads until the text so far satisfies `isEnough`.
    func text(until isEnough: (String) -> Bool) async throws -> String {
        var buffer = ByteBuffer()
        var text = ""
        while !isEnough(text), try await read(into: &buffer, until: .after(.seconds(5))) > 0 {
            text += String(decoding: buffer.take(buffer.count), as: UTF8.self)
        }
        return text
    }
}

/// What the server answers to some bytes that are followed by a half-close.
func answer(_ address: SocketAddress, to input: String) async throws -> String {
    let stream = try await Reactor.Stream.open(address)
    // The server may refuse and close while a long input is still on its way.
    try? await stream.send(input)
    stream.closeWrite()
    defer { stream.close() }
    return try await stream.rest() ?? "still open"
}

/// The statuses of the answers in some bytes, in order.
func statuses(_ text: String) -> String {
    text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }.filter { Int($0) != nil }
        .joined(separator: " ")
}
