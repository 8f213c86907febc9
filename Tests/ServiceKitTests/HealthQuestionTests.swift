import HTTP
import Reactor
import Synchronization
import Testing

@testable import ServiceKit

@Suite struct HealthQuestionTests {
    @Test func `the program says how the running process of its environment is`() async throws {
        let loops = try EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let stage = Mutex(ServiceRuntime.Stage.starting)
        var router = Router()
        HealthRoutes(name: "order", instance: "order.1") { stage.withLock { $0 } }.add(to: &router)
        let listener = try Listener.bind(.loopback(port: 0))
        let server = HTTPServer(listener: listener, responder: router.responder)
        let running = Task(executorPreference: loops.loops[0]) { try await server.run(on: loops) }
        let environment = Environment(["ADMIN_LISTEN": "0.0.0.0:\(listener.address.port)"])

        #expect(HealthQuestion.exitCode("order", environment) == 1)
        stage.withLock { $0 = .ready }
        #expect(HealthQuestion.exitCode("order", environment) == 0)
        stage.withLock { $0 = .draining }
        #expect(HealthQuestion.exitCode("order", environment) == 1)
        running.cancel()
        _ = try? await running.value
        #expect(HealthQuestion.exitCode("order", environment) == 1)
        #expect(HealthQuestion.exitCode("order", Environment([:])) == 78)
    }

    @Test func `replicas in containers have names of their own`() throws {
        func instance(_ variables: [String: String]) throws -> String {
            try ServiceSettings(Environment(variables), service: "order", transport: .plain)
                .instance
        }
        #expect(try instance([:]) == "order")
        #expect(try instance(["HOSTNAME": "4f1c"]) == "order.4f1c")
        #expect(try instance(["HOSTNAME": "4f1c", "INSTANCE": "order.2"]) == "order.2")
    }
}
