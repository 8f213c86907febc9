import HTTP
import Reactor

/// Our server for strangers to talk to: `Interop PORT [CERT KEY]`; `make interop` runs it.
@main enum Interop {
    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        guard let port = UInt16(words.first ?? "") else {
            fatalError("say: Interop PORT [CERT KEY]")
        }
        let loops = try EventLoopGroup(count: 1)
        var limits = HTTPLimits()
        limits.bodyBytes = 4 << 30
        var tls: TLSContext?
        if words.count == 3 {
            tls = try .server(
                TLSConfiguration(
                    certificateFile: words[1],
                    keyFile: words[2],
                    caFile: nil,
                    requirePeer: false
                )
            )
        }
        let server = HTTPServer(
            listener: try Listener.bind(.loopback(port: port)),
            tls: tls,
            limits: limits,
            handler: Compression().wrap(site)
        )
        try await Task(executorPreference: loops.next()) { try await server.run(on: loops) }.value
    }

    /// What the strangers ask for.
    private static let site: Handler = {
        var router = Router()
        let line = "the same line again and again\n"
        router.on(.get, "/hello") { request in
            .json(["host": request.host ?? "-", "agent": request.headers[.userAgent] ?? "-"])
        }
        router.on(.get, "/text") { request in
            request.unlessUnchanged("\"1\"", .text(String(repeating: line, count: 1000)))
        }
        router.on(.post, "/echo") { request throws(Problem) in
            .bytes(try await request.body(limit: 64 << 20), type: "application/octet-stream")
        }
        router.on(.post, "/sink") { request throws(Problem) in
            var count = 0
            while let piece = try await request.bodyStream.next() { count += piece.count }
            return .json(["received": count])
        }
        router.on(.get, "/source/{count}") { request throws(Problem) in
            let count = try request.parameter("count", as: Int.self)
            return Response(
                .ok,
                headers: [.contentType: "application/octet-stream"],
                body: .stream(length: count) { writer in
                    var left = count
                    let piece = [UInt8](repeating: 0x61, count: 65_536)
                    while left > 0 {
                        try await writer.write(left < piece.count ? Array(piece[..<left]) : piece)
                        left -= min(left, piece.count)
                    }
                }
            )
        }
        router.on(.get, "/events") { _ in
            .events { _ in
                try await EventLoop.sleep(for: .milliseconds(20))
                return [ServerSentEvent("now", id: "1", event: "tick")]
            }
        }
        return router.handler
    }()
}
