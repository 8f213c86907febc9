import HTTP
import Mesh
import Reactor
import ServiceKit
import Telemetry
import Testing

@testable import Gateway

/// The gateway's own routes for administrators.
@Suite struct OpsTests {
    @Test func `nobody gets in where the gateway knows no tokens`() async throws {
        let statuses = try await onLoop {
            let bench = try GatewayBench(plan: { $0.keys = nil })
            let open = try GatewayBench()
            var statuses: [Status] = []
            for bench in [bench, open] {
                let tokens = TokenGate(log: .silent, metrics: Metrics())
                let gate = OpsGate(tokens: tokens, table: bench.table, metrics: Metrics())
                do throws(Problem) {
                    try await gate.admit(Request(.get, "/ops/traces"))
                    statuses.append(.ok)
                } catch { statuses.append(error.status) }
                await bench.service.stop()
            }
            return statuses
        }
        #expect(statuses == [.notFound, .unauthorized])
    }

    @Test func `what an instance answers is a part, or a reason why there is none`() throws {
        func read(_ status: Status, _ text: String) -> (TracePart?, MissingPart?) {
            TraceCollector.read(
                InstanceAnswer(
                    instance: "127.0.0.1:1",
                    result: .success((status, [UInt8](text.utf8)))
                ),
                of: "order"
            )
        }
        let part = read(.ok, #"{"service":"order","instance":"order.1","spans":[]}"#)
        #expect(part.0 == TracePart(service: "order", instance: "order.1", spans: []))
        #expect(part.1 == nil)
        #expect(read(.ok, "{}").1?.reason == "its answer is no part of a trace")
        #expect(read(.notFound, "{}").1?.reason == "it answered 404")
        for error in [ClientError.connect(.closed), .timedOut(sent: true), .tooLarge] {
            let failed = InstanceAnswer(instance: "127.0.0.1:1", result: .failure(error))
            let gap = TraceCollector.read(failed, of: "order").1
            #expect(gap?.service == "order" && gap?.instance == "127.0.0.1:1")
        }
    }
}
