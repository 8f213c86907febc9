import Contracts
import FoundationEssentials
import HTTP
import Messaging
import Postgres
import PostgresHarness
import Reactor
import Synchronization
import Testing

@testable import NotificationService

@Suite struct NotificationStreamTests {
    private static let quick: NotificationStreams.Limits = {
        var limits = NotificationStreams.Limits()
        limits.look = .milliseconds(20)
        limits.perUser = 2
        limits.total = 3
        limits.page = 2
        return limits
    }()

    private func streams(
        _ database: Database,
        life: Duration = .seconds(60),
        isStopping: @escaping @Sendable () -> Bool = { false }
    ) -> NotificationStreams {
        var limits = Self.quick
        limits.life = life
        return NotificationStreams(database, limits: limits, isStopping: isStopping)
    }

    private func tell(_ user: UserID, _ title: String, in database: Database) async throws {
        let event = try orderEvent(
            OrderEvent.confirmed,
            orderEventData(titles: [title], customer: user)
        )
        try await database.transaction { tx throws(DatabaseError) in
            try await OrderEvents.apply(event, in: tx)
        }
    }

    private func open(
        _ streams: NotificationStreams,
        _ user: UserID,
        from cursor: FeedCursor = .start
    ) throws -> NotificationStream {
        NotificationStream(streams, try streams.enter(user), from: cursor)
    }

    /// The titles that come until so many have, or nothing more does.
    private func titles(_ stream: NotificationStream, _ count: Int) async throws
        -> [ServerSentEvent]
    {
        var told: [ServerSentEvent] = []
        while told.count < count {
            let events = try await stream.next(until: .after(.seconds(3))) ?? []
            if events.isEmpty { break }
            told += events.filter { $0.event == "notification" }
        }
        return told
    }

    @Test func `customers are told their own news as they are written, each once`() async throws {
        try await withDatabase(migrations: Migrations.all) { database in
            let (me, other) = (UserID.next(), UserID.next())
            let streams = streams(database)
            let stream = try open(streams, me)
            try await tell(other, "Spoon", in: database)
            for number in 1...3 { try await tell(me, "Kettle \(number)", in: database) }
            let told = try await titles(stream, 3)
            #expect(told.count == 3)
            for (number, event) in told.enumerated() {
                #expect(event.data.contains("Kettle \(number + 1)"), "\(event)")
            }
            #expect(try await stream.next(until: .after(.milliseconds(50))) == [])
        }
    }

    @Test func `a client that comes again goes on behind what it saw last`() async throws {
        try await withDatabase(migrations: Migrations.all) { database in
            let me = UserID.next()
            let streams = streams(database)
            for number in 1...3 { try await tell(me, "Kettle \(number)", in: database) }
            let seen = try await titles(try open(streams, me), 2)
            let last = try #require(seen.last?.id.flatMap { FeedCursor($0) })
            let rest = try await titles(try open(streams, me, from: last), 1)
            #expect(rest.map { $0.data.contains("Kettle 3") } == [true])
        }
    }

    @Test func `a stream begins with its place, so that nothing is missed before the first event`()
        async throws
    {
        try await withDatabase(migrations: Migrations.all) { database in
            let me = UserID.next()
            try await tell(me, "Before", in: database)
            let place = try #require(try await database.one(FindEndOfNotifications()))
            let stream = try open(streams(database), me, from: place)
            let first = try #require(try await stream.next(until: .after(.seconds(1))))
            #expect(first.map(\.event) == ["begin"] && first.first?.id == place.description)
            try await tell(me, "After", in: database)
            #expect(try await titles(stream, 1).map { $0.data.contains("After") } == [true])
        }
    }

    @Test func `what is committed late is not stepped over`() async throws {
        try await withDatabase(migrations: Migrations.all) { database in
            let me = UserID.next()
            let stream = try open(streams(database), me)
            let late = try orderEvent(
                OrderEvent.confirmed,
                orderEventData(titles: ["Late"], customer: me)
            )
            try await database.transaction { tx throws(DatabaseError) in
                try await OrderEvents.apply(late, in: tx)
                // What was left to be sent goes before a statement that is answered.
                _ = try await tx.one(FindEndOfNotifications())
                // Written after it and committed before it.
                do { try await tell(me, "Early", in: database) } catch {
                    throw DatabaseError.decoding("\(error)")
                }
                _ = try? await stream.next(until: .after(.milliseconds(10)))
                let none = try? await stream.next(until: .after(.milliseconds(100)))
                #expect(none == [])
            }
            let told = try await titles(stream, 2)
            #expect(told.map { $0.data.contains("Late") } == [true, false])
        }
    }

    @Test func `streams are counted, per customer and in all, until they end`() async throws {
        try await withDatabase(migrations: Migrations.all) { database in
            let streams = streams(database)
            let me = UserID.next()
            func status(_ user: UserID) -> Int {
                do throws(Problem) {
                    _ = try streams.enter(user)
                    return 200
                } catch {
                    return error.status.code
                }
            }
            var places = [try streams.enter(me), try streams.enter(me)]
            #expect(status(me) == 429)
            places.append(try streams.enter(.next()))
            #expect(status(.next()) == 503)
            #expect(streams.count == 3)
            places = []
            #expect(streams.count == 0)
            #expect(status(me) == 200)
        }
    }

    @Test func `a stream ends with the process, and after its life`() async throws {
        try await withDatabase(migrations: Migrations.all) { database in
            let stops = Atomic(false)
            let stopping = streams(database) { stops.load(ordering: .relaxed) }
            let stream = try open(stopping, .next())
            _ = try await stream.next(until: .after(.seconds(1)))
            #expect(try await stream.next(until: .after(.milliseconds(30))) == [])
            stops.store(true, ordering: .relaxed)
            #expect(try await stream.next(until: .after(.seconds(5))) == nil)

            let brief = try open(streams(database, life: .milliseconds(50)), .next())
            _ = try await brief.next(until: .after(.seconds(1)))
            #expect(try await brief.next(until: .after(.seconds(5))) == nil)
        }
    }

    @Test func `over HTTP it is a stream of events, with comments while nothing happens`()
        async throws
    {
        try await withDatabase(migrations: Migrations.all) { database in
            var limits = Self.quick
            limits.heartbeat = .milliseconds(40)
            limits.life = .milliseconds(600)
            let streams = NotificationStreams(database, limits: limits) { false }
            var router = Router()
            NotificationRoutes(store: Store(database), streams: streams).register(&router)
            let me = UserID.next()
            try await tell(me, "Kettle", in: database)
            let text = try await read("/notifications/stream", router, as: me, after: "0-0")
            #expect(text.contains("content-type: text/event-stream"), "\(text)")
            #expect(text.contains("event: begin\nid: 0-0\n"))
            #expect(text.contains("event: notification\nid: "))
            #expect(text.contains(": \n\n"))
            #expect(streams.count == 0)
            let bad = try await read("/notifications/stream", router, as: me, after: "yesterday")
            #expect(bad.hasPrefix("HTTP/1.1 400"), "\(bad)")
        }
    }

    /// Everything that a client gets until the server ends the answer; the gateway's part is played.
    private func read(
        _ path: String,
        _ router: Router,
        as user: UserID,
        after id: String
    ) async throws -> String {
        let group = try EventLoopGroup(count: 1)
        var settings = HTTPLimits()
        settings.drainTime = .milliseconds(50)
        settings.lingerTime = .milliseconds(10)
        let server = HTTPServer(
            listener: try Listener.bind(.loopback(port: 0)),
            limits: settings
        ) { request throws(Problem) in
            let headers: Headers = [
                "x-anyway-user": user.description, "x-anyway-role": "customer",
                "last-event-id": id,
            ]
            let vouched = Request(
                .get,
                path,
                headers: headers,
                peerIdentity: "spiffe://anyway/gateway"
            )
            return try await router.handle(vouched)
        }
        let serving = Task(executorPreference: group.loops[0]) { try await server.run(on: group) }
        let stream = try await Reactor.Stream.connect(
            to: server.address,
            until: .after(.seconds(5))
        )
        let head = "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        try await stream.write([UInt8](head.utf8), until: .after(.seconds(5)))
        var buffer = ByteBuffer()
        while (try? await stream.read(into: &buffer, until: .after(.seconds(10)))) ?? 0 > 0 {}
        stream.close()
        serving.cancel()
        _ = await serving.result
        group.shutdown()
        return String(decoding: buffer.take(buffer.count), as: UTF8.self)
    }
}
