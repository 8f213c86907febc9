import Contracts
import FoundationEssentials
import HTTP
import Testing

@testable import ProductService

@Suite struct BuiltInCatalogTests {
    @Test func `the catalog has 80 products in 8 departments, ten each`() throws {
        let entries = try BuiltInCatalog.entries()
        let departments = Dictionary(grouping: entries) { entry in
            entry.category.split(separator: Category.separator).first
        }
        #expect(entries.count == 80)
        #expect(departments.count == 8)
        #expect(departments.values.allSatisfy { $0.count == 10 })
    }

    @Test func `every built-in product obeys the rules for new products`() throws {
        for entry in try BuiltInCatalog.entries() {
            #expect(throws: Never.self, "\(entry.title)") { try entry.draft.validate() }
            #expect((0...500).contains(entry.stock), "\(entry.title)")
            #expect(entry.description.count >= 60, "\(entry.title)")
            #expect(!entry.attributes.values.isEmpty, "\(entry.title)")
        }
    }

    @Test func `ids are version 7, distinct and in file order`() throws {
        let ids = try BuiltInCatalog.entries().map(\.id)
        #expect(ids.first?.description == "01900000-0000-7000-8000-000000000001")
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
    }

    @Test func `one product runs short easily and one is sold out`() throws {
        let entries = try BuiltInCatalog.entries()
        #expect(
            entries.filter { $0.stock == 3 }.map(\.id.description) == [
                "01900000-0000-7000-8000-000000000014"
            ]
        )
        #expect(entries.filter { $0.stock == 0 }.count == 1)
    }

    @Test func `titles are distinct`() throws {
        let titles = try BuiltInCatalog.entries().map(\.title)
        #expect(Set(titles).count == titles.count)
    }
}

@Suite struct CategoryTests {
    @Test func `a path knows its depth`() {
        #expect(Category("Audio")?.depth == 1)
        #expect(Category("Audio > Headphones > Sport Headphones")?.depth == 3)
    }

    @Test(arguments: [
        "", " ", "Audio > ", " > Audio", "Audio >Radios", "A\u{7}", "A > B > C > D > E > F > G",
    ])
    func `what is no path is none`(_ text: String) {
        #expect(Category(text) == nil)
    }
}

@Suite struct ProductDraftTests {
    private let sound = ProductDraft(
        title: "Kettle",
        brand: "Kettlemoor",
        category: "Appliances",
        priceCents: 6900,
        description: "Boils.\nPours.",
        attributes: nil,
        stock: nil
    )

    private func flaws(_ change: (inout ProductDraft) -> Void) -> [String] {
        var draft = sound
        change(&draft)
        do {
            try draft.validate()
            return []
        } catch {
            return error.flaws.map(\.place)
        }
    }

    @Test func `a sound draft passes`() {
        #expect(flaws { _ in } == [])
    }

    @Test func `each field is named when it is wrong`() {
        #expect(flaws { $0.title = "" } == ["/title"])
        #expect(flaws { $0.title = "two\nlines" } == ["/title"])
        #expect(flaws { $0.title = String(repeating: "é", count: 201) } == ["/title"])
        #expect(flaws { $0.brand = "  " } == ["/brand"])
        #expect(flaws { $0.category = "Audio >" } == ["/category"])
        #expect(flaws { $0.priceCents = 0 } == ["/price_cents"])
        #expect(flaws { $0.priceCents = .max } == ["/price_cents"])
        #expect(flaws { $0.description = "a\u{0}" } == ["/description"])
        #expect(flaws { $0.stock = -1 } == ["/stock"])
        #expect(flaws { $0.attributes = Attributes(["Bad name": .flag(true)]) } == ["/attributes"])
        #expect(flaws { $0.attributes = Attributes(["a": .text("")]) } == ["/attributes/a"])
        #expect(
            flaws {
                $0.title = ""
                $0.priceCents = -5
            } == ["/title", "/price_cents"]
        )
    }

    @Test func `a price is listed if one piece of it can be charged`() {
        #expect(flaws { $0.priceCents = ChargeRequest.maxAmountCents } == [])
        #expect(flaws { $0.priceCents = ChargeRequest.maxAmountCents + 1 } == ["/price_cents"])
    }

    @Test func `an empty change is refused`() throws {
        #expect(throws: InvalidInput.self) { try ProductChange().validate() }
        try ProductChange(priceCents: 1).validate()
    }

    @Test func `attributes keep their kinds through JSON`() throws {
        let text = #"{"a":true,"b":3,"c":2.5,"d":"x"}"#
        let attributes = try JSONDecoder().decode(Attributes.self, from: Data(text.utf8))
        #expect(
            attributes.values == [
                "a": .flag(true), "b": .whole(3), "c": .number(2.5), "d": .text("x"),
            ]
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(attributes), as: UTF8.self) == text)
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode(Attributes.self, from: Data(#"{"a":{"b":1}}"#.utf8))
        }
    }
}

@Suite struct ReservationLinesTests {
    private let a = ProductID.next()
    private let b = ProductID.next()

    private func lines(_ wanted: (ProductID, Int64)...) throws(InvalidInput) -> ReservationLines {
        try ReservationLines(Lines(wanted.map { OrderLine(productID: $0, quantity: $1) }))
    }

    @Test func `lines are sorted by product and duplicates merged`() throws {
        let sorted = [a, b].sorted()
        let lines = try lines((sorted[1], 2), (sorted[0], 1), (sorted[1], 3))
        #expect(lines.products == sorted)
        #expect(lines.quantities == [1, 5])
    }

    @Test func `the same wishes in another order are equal`() throws {
        #expect(try lines((a, 1), (b, 2)) == lines((b, 1), (a, 1), (b, 1)))
    }

    @Test(arguments: [0, -1, 1_000_001, Int64.max, Int64.min])
    func `an impossible quantity is named by its line`(_ quantity: Int64) {
        let error = #expect(throws: InvalidInput.self) { try lines((a, 1), (b, quantity)) }
        #expect(error?.flaws.map(\.place) == ["/lines/1/quantity"])
    }

    @Test func `merged lines must not add up to too many`() {
        let error = #expect(throws: InvalidInput.self) { try lines((a, 1_000_000), (a, 1)) }
        #expect(error?.flaws.map(\.place) == ["/lines/1/quantity"])
    }

    @Test func `no lines and too many lines are refused`() {
        #expect(throws: InvalidInput.self) { try ReservationLines(Lines([])) }
        let many = (0...100).map { _ in OrderLine(productID: .next(), quantity: 1) }
        #expect(throws: InvalidInput.self) { try ReservationLines(Lines(many)) }
        #expect(throws: Never.self) { try ReservationLines(Lines(many.dropLast())) }
    }
}

@Suite struct QuotingTests {
    @Test func `lines are priced in the order asked for`() throws {
        let (a, b) = (ProductID.next(), ProductID.next())
        let request = Lines([
            OrderLine(productID: b, quantity: 2), OrderLine(productID: a, quantity: 1),
        ])
        let quote = try Quoting.quote(
            request,
            [
                a: QuotedProduct(id: a, title: "A", priceCents: 100),
                b: QuotedProduct(id: b, title: "B", priceCents: 250),
            ]
        )
        #expect(quote.lines.map(\.title) == ["B", "A"])
        #expect(quote.lines.map(\.unitPriceCents) == [250, 100])
        #expect(quote.lines.allSatisfy { $0.currency == "USD" })
    }

    @Test func `every unknown product is named by its line`() {
        let known = ProductID.next()
        let request = Lines(
            [ProductID.next(), known, ProductID.next()].map {
                OrderLine(productID: $0, quantity: 1)
            }
        )
        let error = #expect(throws: UnknownProducts.self) {
            try Quoting.quote(request, [known: QuotedProduct(id: known, title: "K", priceCents: 1)])
        }
        #expect(error?.lines == [0, 2])
    }
}

@Suite struct EntityTagTests {
    @Test func `a tag matches itself, weakly too, and anything matches the star`() {
        #expect(EntityTags("\"1-5\"").matchesWeakly("\"1-5\""))
        #expect(EntityTags("\"0-1\", W/\"1-5\"").matchesWeakly("\"1-5\""))
        #expect(EntityTags(" * ").matchesWeakly("\"1-5\""))
        #expect(!EntityTags("\"1-6\"").matchesWeakly("\"1-5\""))
        #expect(!EntityTags("").matchesWeakly("\"1-5\""))
        #expect(!EntityTags("1-5").matchesWeakly("\"1-5\""))
    }

    @Test func `an editor's condition looks at the version, not at the stock`() {
        #expect(EntityTags("\"7-12\", \"8-0\"").versions == [7, 8])
        #expect(EntityTags("W/\"7-12\"").versions == [])
        #expect(EntityTags("\"seven-12\", \"7\", 7-12").versions == [])
        #expect(EntityTags("*").versions == nil)
    }
}

@Suite struct FacetsTests {
    @Test func `rows become facets and bands get their bounds`() {
        let facets = Facets([
            .init(facet: "seen", value: "", count: 9), .init(facet: "total", value: "", count: 7),
            .init(facet: "brand", value: "Tindrel", count: 4),
            .init(facet: "price", value: "0", count: 1),
            .init(facet: "price", value: "1", count: 2),
            .init(facet: "price", value: "6", count: 3),
            .init(facet: "in_stock", value: "false", count: 2),
        ])
        #expect(facets.total == 7 && facets.isExact)
        #expect(facets.brands == [.init(value: "Tindrel", count: 4)])
        #expect(
            facets.prices == [
                .init(min: 0, max: 2499, count: 1), .init(min: 2500, max: 4999, count: 2),
                .init(min: 100_000, max: nil, count: 3),
            ]
        )
        #expect(facets.inStock == 0 && facets.outOfStock == 2)
    }

    @Test func `counts are not called exact where counting stopped`() {
        let seen = Facets.Count(facet: "seen", value: "", count: Int64(Facets.mostCounted))
        #expect(!Facets([seen]).isExact)
    }
}

@Suite struct SearchResultTests {
    private func hit(_ key: Int64) -> ProductHit {
        ProductHit(
            id: .next(),
            title: "T",
            brand: "B",
            category: "C",
            priceCents: key,
            available: 1,
            sortKey: key
        )
    }

    @Test func `one product more than the page holds makes a next page`() throws {
        var search = ProductSearch()
        search.limit = 2
        search.order = .priceAscending
        let hits = [hit(1), hit(2), hit(3)]
        let result = SearchResult(search, hits: hits, facets: nil)
        #expect(result.items == Array(hits[..<2]))
        let cursor = try #require(result.nextCursor.flatMap { PageCursor($0) })
        #expect(cursor.key == 2 && cursor.id == hits[1].id.uuid && cursor.order == .priceAscending)
    }

    @Test func `a page that is just full is the last`() {
        var search = ProductSearch()
        search.limit = 2
        #expect(SearchResult(search, hits: [hit(1), hit(2)], facets: nil).nextCursor == nil)
        #expect(SearchResult(search, hits: [], facets: nil).nextCursor == nil)
    }
}
