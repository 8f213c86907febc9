import FoundationEssentials
import HTTP
import Messaging
import Postgres
import Testing

@testable import ProductService

/// What the product service tells of the catalog.
@Suite struct ProductEventTests {
    private struct ListEvents: Statement {
        static let sql = "SELECT type, subject, sequence FROM outbox ORDER BY outbox.txid, id"

        static func decode(_ row: borrowing Row) throws(DatabaseError) -> String {
            let (type, subject, sequence): (String, String, Int64) = (
                try row[0], try row[1], try row[2]
            )
            return "\(type) \(subject) \(sequence)"
        }
    }

    private static let draft =
        #"{"title":"Lamp","brand":"Lux","category":"Home","price_cents":900,"description":"Shines.","stock":3}"#

    @Test func `each change of the catalog is told once`() async throws {
        try await withShop { database in
            let api = ProductAPI(database)
            let created = try await api.admin(.post, "/products", Self.draft)
            #expect(created.status == 201, "\(created.json)")
            let id = try #require(created.json["id"]?.string)
            let changed = try await api.admin(.patch, "/products/\(id)", #"{"price_cents":800}"#)
            #expect(changed.status == 200)
            var movement = ""
            for _ in 0..<2 {
                let delivered = try await api.admin(
                    .post,
                    "/products/\(id)/stock",
                    #"{"quantity":5}"#,
                    headers: [.idempotencyKey: "k"]
                )
                #expect(delivered.status == 201)
                movement = delivered.json["movement_id"]?.string ?? ""
            }
            for _ in 0..<2 {
                #expect(try await api.admin(.delete, "/products/\(id)").status == 204)
            }
            #expect(
                try await database.all(ListEvents()) == [
                    "product.created \(id) 1", "product.changed \(id) 2",
                    "stock.delivered \(movement) 1", "product.withdrawn \(id) 3",
                ]
            )
        }
    }

    @Test func `what is refused is not told`() async throws {
        try await withShop { database in
            let api = ProductAPI(database)
            let created = try await api.admin(.post, "/products", Self.draft)
            let id = try #require(created.json["id"]?.string)
            let stale: Headers = [.ifMatch: #""99-0""#]
            let body = #"{"price_cents":800}"#
            let refused = try await api.admin(.patch, "/products/\(id)", body, headers: stale)
            #expect(refused.status == 412)
            #expect(try await api.admin(.delete, "/products/\(id)", headers: stale).status == 412)
            #expect(try await database.all(ListEvents()).count == 1)
        }
    }

    @Test func `what the catalog answers may be kept, and for how long`() async throws {
        try await withShop { database in
            let api = ProductAPI(database)
            let id = try await database.stockUp(3)
            let page = try await api.call(.get, "/products")
            #expect(
                page.headers[.cacheControl]
                    == "public, max-age=2, stale-while-revalidate=2, stale-if-error=86400"
            )
            let product = try await api.call(.get, "/products/\(id)")
            #expect(product.headers[.cacheControl] == "public, max-age=0, stale-if-error=86400")
            let tag = try #require(product.headers[.etag])
            let again = try await api.call(.get, "/products/\(id)", headers: [.ifNoneMatch: tag])
            #expect(again.status == 304)
        }
    }
}
