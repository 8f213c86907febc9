import Glibc
import HTTP
import Reactor
import Synchronization
import Testing

@testable import Load

@Suite struct `What is mended` {
    /// Asks a process that answers with these statuses, one after the other, and then with 200, to give
    /// a fault back; whether that is certain, and how often it was asked for what.
    private func clear(_ statuses: [Status]) async throws -> (Bool, [String]) {
        let loops = try EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let listener = try Listener.bind(.loopback(port: 0))
        let left = Mutex(statuses)
        let asked = Mutex<[String]>([])
        var router = Router()
        router.on(.delete, "/faults/{name}") { request throws(Problem) in
            let name = try request.parameter("name")
            asked.withLock { $0.append(name) }
            let status = left.withLock { $0.isEmpty ? Status.ok : $0.removeFirst() }
            return .bytes([], type: "text/plain", status: status)
        }
        let server = HTTPServer(listener: listener, responder: router.responder)
        let running = Task { try await server.run(on: loops) }
        let member = Member(service: "order", name: "order.1", admin: listener.address)
        let isClear = await Task(executorPreference: loops.loops[0]) {
            await Admin(pause: .zero).clear(member, of: "chaos-1")
        }.value
        running.cancel()
        try await running.value
        return (isClear, asked.withLock(\.self))
    }

    @Test func `a process that fails is asked again until it has given its fault back`()
        async throws
    {
        let (isClear, asked) = try await clear([.serviceUnavailable, .internalServerError])
        #expect(isClear && asked == ["chaos-1", "chaos-1", "chaos-1"])
    }

    @Test func `who has no such fault, or takes none, need not be asked again`() async throws {
        for status in [Status.notFound, .forbidden] {
            let (isClear, asked) = try await clear([status])
            #expect(isClear && asked.count == 1)
        }
    }

    @Test func `a process that goes on failing may keep its faults, and a silent one too`()
        async throws
    {
        let (isClear, asked) = try await clear(Array(repeating: .serviceUnavailable, count: 9))
        #expect(!isClear && asked.count == 5)
        let loops = try EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        // Connections come about, and nobody answers: so does a paused process.
        let listener = try Listener.bind(.loopback(port: 0))
        let paused = Member(service: "order", name: "order.1", admin: listener.address)
        let nobody = Member(service: "order", name: "order.2", admin: try vacant())
        await Task(executorPreference: loops.loops[0]) {
            let admin = Admin(patience: .milliseconds(20), pause: .zero)
            #expect(await !admin.clear(paused))
            #expect(await admin.clear(nobody))
            #expect(await admin.clear(Member(service: "postgres", name: "postgres")))
        }.value
        #expect(listener.address.port > 0)
    }

    @Test func `the first signal mends, a second Ctrl-C insists, other ones are patient`() {
        for signal in Interruption.signals {
            var interruption = Interruption()
            #expect(interruption.first == nil)
            let answers = [signal, SIGHUP, SIGTERM, SIGINT].map { interruption.take($0) }
            #expect(answers == [.mend, .goOn, .goOn, .leave])
            #expect(interruption.first == signal)
        }
        #expect(Set(Interruption.signals) == [SIGINT, SIGTERM, SIGHUP])
        #expect(Interruption.code(SIGINT) == 130)
    }

    @Test func `a history has a path that others understand, and stays only if it was asked for`()
        throws
    {
        #expect(HistoryPlace("out.jsonl", from: "/home/ada").path == "/home/ada/out.jsonl")
        #expect(HistoryPlace("/var/x", from: "/home/ada").path == "/var/x")
        for isAsked in [true, false] {
            let path = HistoryPlace(nil).path
            let place = HistoryPlace(isAsked ? path : nil)
            try History(place.path).close()
            place.clear()
            #expect((access(place.path, F_OK) == 0) == isAsked && place.isKept == isAsked)
            unlink(place.path)
        }
    }

    /// An address where nobody listens.
    private func vacant() throws -> SocketAddress {
        try Listener.bind(.loopback(port: 0)).address
    }
}
