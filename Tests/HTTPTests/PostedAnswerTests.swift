import HTTP
import Reactor
import Testing

/// Clients that read late, while answers are sent together.
@Suite struct PostedAnswerTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func `what a stream has said arrives, although it says nothing more`() async throws {
        let (pieces, end) = (600, OneShot<Bool>())
        let handler: Handler = { _ throws(Problem) in
            Response(
                .ok,
                body: .stream { writer in
                    for _ in 0..<pieces {
                        try await writer.write([UInt8](repeating: 0x61, count: 9000))
                    }
                    _ = await end.wait(until: .after(.seconds(20)))
                }
            )
        }
        try await serving(handler) { address in
            let stream = try await Reactor.Stream.open(address)
            try await stream.send(Self.get)
            // So that the socket is full when the last piece comes.
            try await EventLoop.sleep(for: .milliseconds(200))
            var buffer = ByteBuffer()
            var count = 0
            while count < pieces * 9000,
                try await stream.read(into: &buffer, until: .after(.seconds(5))) > 0
            {
                count += buffer.take(buffer.count).count { $0 == 0x61 }
            }
            #expect(count >= pieces * 9000)
            end.resolve(true)
            stream.close()
        }
    }

    @Test(arguments: [true, false])
    func `many who ask at once and read late get all of it in order`(atOnce: Bool) async throws {
        let (clients, requests, size) = (24, 200, 15_000)
        let responder = Responder { request throws(Problem) in
            let content = [UInt8](request.path.description.utf8)
            let all = content + [UInt8](repeating: 0x2E, count: size - content.count)
            if atOnce { return .now(Response(.ok, body: .bytes(all))) }
            return .later { _ throws(Problem) in Response(.ok, body: .bytes(all)) }
        }
        try await serving(responder) { address in
            try await withThrowingTaskGroup { group in
                for client in 0..<clients {
                    group.addTask {
                        let stream = try await Reactor.Stream.open(address)
                        var asked = ""
                        for number in 0..<requests {
                            asked += "GET /\(client)/\(number) HTTP/1.1\r\nHost: a\r\n\r\n"
                        }
                        try await stream.send(asked)
                        try await EventLoop.sleep(for: .milliseconds(100))
                        stream.closeWrite()
                        let answers = try await stream.rest()?.components(at: "HTTP/1.1 200") ?? []
                        #expect(answers.count == requests)
                        for (number, answer) in answers.enumerated() {
                            #expect(answer.contains("\r\n\r\n/\(client)/\(number)."))
                            #expect(answer.utf8.count > size)
                        }
                        stream.close()
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a server that drains lets late readers have whole answers`() async throws {
        let size = 15_000
        let listener = try Listener.bind(.loopback(port: 0))
        let server = HTTPServer(
            listener: listener,
            responder: Responder { _ throws(Problem) in
                .now(Response(.ok, body: .bytes([UInt8](repeating: 0x2E, count: size))))
            }
        )
        let running = Task { try await server.run(on: loops) }
        let texts = try await onLoop {
            try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<24 {
                    group.addTask {
                        let stream = try await Reactor.Stream.open(listener.address)
                        try await stream.send(String(repeating: Self.get, count: 400))
                        try await EventLoop.sleep(for: .milliseconds(300))
                        let text = try await stream.rest()
                        stream.close()
                        return text
                    }
                }
                try await EventLoop.sleep(for: .milliseconds(150))
                running.cancel()
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        try await running.value
        for text in texts {
            let answers = try #require(text).components(at: "HTTP/1.1 200")
            #expect(!answers.isEmpty && Set(answers.map(\.utf8.count)).count <= 2)
            #expect(answers.allSatisfy { $0.utf8.count > size })
        }
    }
}

extension String {
    /// What stands behind each occurrence of a separator.
    fileprivate func components(at separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false).dropFirst().map(\.self)
    }
}
