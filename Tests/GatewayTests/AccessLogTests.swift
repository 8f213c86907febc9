import FoundationEssentials
import Glibc
import HTTP
import Identity
import Reactor
import Telemetry
import Testing

@testable import Gateway

/// The line that each request has in the access log, and the name that its client is told.
@Suite struct AccessLogTests {
    /// Log lines in a pipe.
    private final class Lines {
        let log: Logger
        private let sink: LogSink
        private let ends: (read: Int32, write: Int32)

        init() throws {
            var pair: [Int32] = [-1, -1]
            try #require(pipe(&pair) == 0)
            ends = (pair[0], pair[1])
            sink = LogSink(descriptor: ends.write)
            log = Logger(service: "gateway", instance: "gateway.1", sink: sink)
        }

        /// All lines so far; nothing can be logged behind this.
        func finish() throws -> [[String: JSONValue]] {
            #expect(sink.flush(within: .seconds(5)))
            sink.close()
            close(ends.write)
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while case let count = read(ends.read, &chunk, chunk.count), count > 0 {
                bytes += chunk[..<count]
            }
            close(ends.read)
            return try bytes.split(separator: UInt8(ascii: "\n")).map {
                try JSON.decode([String: JSONValue].self, from: Array($0))
            }
        }
    }

    @Test func `each request has one line, and its client the name that finds it`() async throws {
        let bench = try GatewayBench { request throws(Problem) in
            guard request.method == .get else { throw Problem(.conflict) }
            return Response(.ok, headers: ["x-request-id": "the service's"], body: .bytes([1, 2]))
        }
        let lines = try Lines()
        let responder = AccessLog(lines.log).wrap(bench.table.wrap(Router().responder))
        let (trace, claims) = (TraceContext.root(), claims())
        let token = try bench.token(claims)
        let names = try await onLoop {
            var names: [String?] = []
            for (method, path) in [
                (Method.get, "/orders/7"), (.post, "/orders"), (.get, "/nowhere"),
                (.put, "/orders"),
            ] {
                let request = Request(
                    method,
                    path,
                    headers: ["authorization": token, "x-request-id": "the client's"]
                )
                let headers = await TraceContext.$current.withValue(trace) {
                    do throws(Problem) {
                        return try await responder.handler(request).headers
                    } catch {
                        return error.headers
                    }
                }
                names.append(headers["x-request-id"])
            }
            return names
        }
        #expect(names == Array(repeating: trace.traceID, count: 4))
        #expect(
            bench.requests.map { $0.headers.all("x-request-id") } == [
                [trace.traceID], [trace.traceID],
            ]
        )
        let written = try lines.finish()
        #expect(written.map { $0["message"]?.string } == Array(repeating: "access", count: 4))
        #expect(written.map { $0["trace_id"]?.string } == Array(repeating: trace.traceID, count: 4))
        #expect(written.map { $0["status"]?.integer } == [200, 409, 404, 405])
        #expect(
            written.map { $0["path"]?.string } == ["/orders/7", "/orders", "/nowhere", "/orders"]
        )
        let first = try #require(written.first)
        #expect(first["method"]?.string == "GET" && first["route"]?.string == "/orders/{id}")
        #expect(first["bytes"]?.integer == 2 && first["ms"] != nil)
        #expect(first["user"]?.string == claims.subject.uuidString.lowercased())
        #expect(first["upstream"]?.string == "order" && first["tries"]?.integer == 1)
        #expect(first["upstream_instance"]?.string == bench.service.address.description)
        #expect(first["remote"]?.string != nil)
        await bench.service.stop()
    }
}
