import Contracts
import FoundationEssentials
import HTTP
import Messaging
import Postgres
import PostgresHarness
import Testing

@testable import NotificationService

/// How many deliveries and parked events there are, and how many distinct events were delivered.
struct CountDeliveries: Statement {
    static let sql = """
        SELECT (SELECT count(*) FROM deliveries), (SELECT count(*) FROM parked_events),
            (SELECT count(DISTINCT event_id) FROM deliveries)
        """
    static func decode(_ row: borrowing Row) throws(DatabaseError) -> [Int] {
        [try row[0], try row[1], try row[2]]
    }
}

@Suite struct NotificationStoreTests {
    private func apply(_ events: [CloudEvent], to database: Database) async throws {
        try await database.transaction { tx throws(DatabaseError) in
            for event in events { try await OrderEvents.apply(event, in: tx) }
        }
    }

    private func list(
        _ database: Database,
        _ target: String,
        user: UserID?,
        caller: String = "gateway"
    ) async throws -> (status: Int, json: JSONValue) {
        var router = Router()
        let streams = NotificationStreams(database) { false }
        NotificationRoutes(store: Store(database), streams: streams).register(&router)
        var headers: Headers = [:]
        if let user {
            headers["x-anyway-user"] = user.description
            headers["x-anyway-role"] = "customer"
        }
        let request = Request(
            .get,
            target,
            headers: headers,
            peerIdentity: "spiffe://anyway/\(caller)"
        )
        let response: Response
        do throws(Problem) {
            response = try await router.handle(request)
        } catch {
            response = error.response()
        }
        guard case .bytes(let bytes) = response.body else { return (response.status.code, .null) }
        return (response.status.code, try JSON.decode(JSONValue.self, from: bytes))
    }

    @Test func `an event that is read again is told once`() async throws {
        try await withDatabase(migrations: Migrations.all) { database in
            let events = [
                try orderEvent(OrderEvent.placed, orderEventData()),
                try orderEvent(OrderEvent.confirmed, orderEventData()),
                try orderEvent(OrderEvent.cancelled, orderEventData()),
            ]
            try await apply(events, to: database)
            try await apply(events, to: database)
            #expect(try await database.one(CountDeliveries()) == [2, 0, 2])
        }
    }

    @Test func `an event that cannot be read is refused, so that it is parked`() async throws {
        try await withDatabase(migrations: Migrations.all) { database in
            for data in [#"{"a":"\u0000"}"#, #"["\ud83d\ude00", 1]"#, "{}"] {
                let broken = try orderEvent(OrderEvent.confirmed, data)
                await #expect(throws: DatabaseError.decoding("the content is not that of an order"))
                { () async throws in
                    try await apply([broken], to: database)
                }
            }
            let odd = orderEventData(titles: ["a\u{0}b"])
            try await apply([try orderEvent(OrderEvent.confirmed, odd)], to: database)
            #expect(try await database.one(CountDeliveries()) == [1, 0, 1])
        }
    }

    @Test func `customers see their own notifications, the newest first, page by page`()
        async throws
    {
        try await withDatabase(migrations: Migrations.all) { database in
            let (me, other) = (UserID.next(), UserID.next())
            var events: [CloudEvent] = []
            for number in 1...7 {
                events.append(
                    try orderEvent(
                        OrderEvent.confirmed,
                        orderEventData(titles: ["Kettle \(number)"], customer: me)
                    )
                )
                events.append(
                    try orderEvent(OrderEvent.confirmed, orderEventData(customer: other))
                )
            }
            try await apply(events, to: database)
            var subjects: [String] = []
            var target = "/notifications?limit=3"
            var pages = 0
            while pages < 10 {
                let answer = try await list(database, target, user: me)
                #expect(answer.status == 200)
                subjects += answer.json["items"]?.array?.compactMap { $0["subject"]?.string } ?? []
                pages += 1
                guard let cursor = answer.json["next_cursor"]?.string else { break }
                target = "/notifications?limit=3&cursor=\(cursor)"
            }
            #expect(pages == 3)
            #expect(subjects == (1...7).reversed().map { "Your order is confirmed: Kettle \($0)" })
        }
    }

    @Test func `nobody else may read them`() async throws {
        try await withDatabase(migrations: Migrations.all) { database in
            #expect(try await list(database, "/notifications", user: nil).status == 401)
            let order = try await list(database, "/notifications", user: .next(), caller: "order")
            #expect(order.status == 403)
            let bad = try await list(database, "/notifications?limit=0", user: .next())
            #expect(bad.status == 400)
            #expect(bad.json["errors"]?.array?.first?["pointer"] == "?limit")
        }
    }
}
