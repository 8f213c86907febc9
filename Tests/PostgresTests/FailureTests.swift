import Postgres
import PostgresHarness
import Reactor
import Testing

@Suite struct FailureTests {
    @Test func `a deadline ends the wait and the answers behind stay in step`() async throws {
        try await withDatabase(maxConnectionsPerLoop: 2) { database async throws in
            let started = Deadline.now
            await #expect(throws: DatabaseError.timedOut) {
                try await Deadline.$current.withValue(.after(.milliseconds(50))) {
                    try await database.run(Sleep(seconds: 2))
                }
            }
            #expect(Deadline.now < started.advanced(by: .seconds(1)))
            for number in 0..<100 {
                #expect(try await database.one(Echo(value: number)) == number)
            }
        }
    }

    @Test func `a passed deadline sends nothing`() async throws {
        try await withDatabase(migrations: [.accounts]) { database async throws in
            try await database.ping()
            await #expect(throws: DatabaseError.timedOut) {
                try await Deadline.$current.withValue(.now) {
                    try await database.run(InsertAccount(id: 1, balance: 1))
                }
            }
            #expect(try await database.one(CountAccounts())?.count == 0)
        }
    }

    @Test func `cancelling one caller mid-query leaves its neighbours their answers`() async throws
    {
        try await withDatabase(maxConnectionsPerLoop: 2) { database async throws in
            let loop = EventLoop.required
            try await database.ping()
            let slow = Task(executorPreference: loop) { try await database.run(Sleep(seconds: 30)) }
            try await EventLoop.sleep(for: .milliseconds(20))
            // These share its pipeline: they are behind it until the server is told to stop.
            let behind = (0..<50).map { number in
                Task(executorPreference: loop) { try await database.one(Echo(value: number)) }
            }
            try await EventLoop.sleep(for: .milliseconds(20))
            let cancelled = Deadline.now
            slow.cancel()
            await #expect(throws: DatabaseError.cancelled) { try await slow.value }
            #expect(Deadline.now < cancelled.advanced(by: .seconds(2)))
            for (number, task) in behind.enumerated() {
                #expect(try await task.value == number)
            }
            #expect(Deadline.now < cancelled.advanced(by: .seconds(5)))
        }
    }

    @Test func `a storm of cancellations mixes nothing up`() async throws {
        try await withDatabase { database async throws in
            let loop = EventLoop.required
            var random = SystemRandomNumberGenerator()
            let tasks = (0..<500).map { number in
                Task(executorPreference: loop) {
                    _ = try await database.run(Sleep(seconds: 0.001))
                    return try await database.one(Echo(value: number))
                }
            }
            for task in tasks where Bool.random(using: &random) {
                if Bool.random(using: &random) { try await EventLoop.sleep(for: .milliseconds(1)) }
                task.cancel()
            }
            for (number, task) in tasks.enumerated() {
                switch await task.result {
                case .success(let value): #expect(value == number)
                case .failure(let error): #expect(error as? DatabaseError == .cancelled)
                }
            }
            #expect(try await database.one(Echo(value: -1)) == -1)
        }
    }

    @Test func `the server itself stops a statement that takes too long`() async throws {
        try await withDatabase(timeout: .milliseconds(200)) { database async throws in
            await #expect(throws: DatabaseError.timedOut) {
                try await database.run(Sleep(seconds: 20))
            }
            #expect(try await database.one(Echo(value: 1)) == 1)
        }
    }

    @Test func `more callers than the queue holds are refused at once`() async throws {
        try await withDatabase(maxConnectionsPerLoop: 2) { database async throws in
            let loop = EventLoop.required
            let tasks = (0..<2000).map { _ in
                Task(executorPreference: loop) { try await database.run(Sleep(seconds: 0.0001)) }
            }
            var refused = 0
            for task in tasks {
                do { _ = try await task.value } catch DatabaseError.overloaded { refused += 1 }
            }
            #expect(refused > 0)
            #expect(refused < 2000)
        }
    }

    @Test func `a backend that is terminated is replaced, and its statement is certainly undone`()
        async throws
    {
        struct Terminate: Statement {
            static let sql = "SELECT pg_terminate_backend($1::integer)"
            let process: Int32
            func bind(_ parameters: inout Parameters) { parameters.append(process) }
        }
        try await withDatabase { database async throws in
            let victim = try #require(try await database.one(BackendProcess()))
            let loop = EventLoop.required
            let slow = Task(executorPreference: loop) { try await database.run(Sleep(seconds: 30)) }
            try await EventLoop.sleep(for: .milliseconds(20))
            try await database.transaction { tx throws(DatabaseError) in
                try await tx.run(Terminate(process: Int32(victim)))
            }
            let error = await #expect(throws: DatabaseError.self) { try await slow.value }
            #expect(error?.isOutcomeUncertain == false)
            #expect(try await database.one(BackendProcess()) != victim)
        }
    }

    @Test func `a database that comes back is found again by itself`() async throws {
        let server = try await PostgresServer.start()
        let url = try await server.freshDatabase()
        let group = try EventLoopGroup(count: 1)
        let database = try Database(url: url, loops: group.loops)
        try await Task(executorPreference: group.loops[0]) { () async throws in
            try await database.migrate([.accounts])
            try await database.run(InsertAccount(id: 1, balance: 1))
            let slow = Task(executorPreference: group.loops[0]) {
                try await database.run(Sleep(seconds: 30))
            }
            try await EventLoop.sleep(for: .milliseconds(50))
            try await server.crash()
            await #expect(throws: DatabaseError.self) { try await slow.value }
            // While it is down, callers are told at once.
            var reason: DatabaseError?
            for _ in 0..<20 {
                let asked = Deadline.now
                reason = await #expect(throws: DatabaseError.self) { try await database.ping() }
                #expect(Deadline.now < asked.advanced(by: .milliseconds(500)))
            }
            guard case .unavailable? = reason else {
                Issue.record("\(String(describing: reason))")
                return
            }
            try await server.restart()
            let back = Deadline.now
            while (try? await database.ping()) == nil {
                try await EventLoop.sleep(for: .milliseconds(10))
                guard Deadline.now < back.advanced(by: .seconds(5)) else { break }
            }
            #expect(try await database.one(FindBalance(id: 1)) == 1)
        }.value
        database.close()
        group.shutdown()
        try await server.stop()
    }

    @Test func `a password appears in no error`() async throws {
        let group = try EventLoopGroup(count: 1)
        let port = try await PostgresServer.shared().port
        for url in [
            "postgres://nobody:s3cr3t-pa55@127.0.0.1:\(port)/missing",
            "postgres://nobody:s3cr3t-pa55@127.0.0.1:1/missing",
            "postgres://nobody:s3cr3t-pa55@127.0.0.1:no-port/missing?x=s3cr3t-pa55",
            "postgres://nobody:s3cr3t-pa55@host.invalid/missing",
        ] {
            let error = await #expect(throws: DatabaseError.self) {
                try await Database(url: url, loops: group.loops).ping()
            }
            #expect(!String(describing: error).contains("s3cr3t"))
            guard case .unavailable? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        group.shutdown()
    }

    @Test func `a closed database refuses`() async throws {
        try await withDatabase { database async throws in
            try await database.ping()
            database.close()
            try await EventLoop.sleep(for: .milliseconds(10))
            await #expect(throws: DatabaseError.unavailable("the database is closed")) {
                try await database.ping()
            }
        }
    }
}
