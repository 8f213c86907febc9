import Contracts
import Postgres
import PostgresHarness
import Testing

@testable import ProductService

@Suite struct ProductSeedTests {
    @Test func `five replicas that start at once seed the catalog once`() async throws {
        try await withShop { shop in
            let entries = try BuiltInCatalog.entries()
            let seed = SeedCatalog(name: BuiltInCatalog.name, entries: entries)
            let added = try await concurrently(
                (0..<5).map { _ in { @Sendable in try await shop.one(seed) ?? -1 } }
            )
            #expect(added.sorted() == [0, 0, 0, 0, 80])
            #expect(try await shop.one(seed) == 0)
            #expect(try await shop.discrepancies() == 0)
            for entry in entries { #expect(try await shop.available(entry.id) == entry.stock) }
        }
    }

    @Test func `a replica seeds when the one before it failed half way`() async throws {
        try await withShop { shop in
            let seed = SeedCatalog(name: BuiltInCatalog.name, entries: try BuiltInCatalog.entries())
            let race = try await race(on: shop, seed, .rollsBack, seed)
            #expect(race.second == [80])
        }
    }

    @Test func `seeding does not undo what was sold or changed`() async throws {
        try await withShop { shop in
            let entries = try BuiltInCatalog.entries()
            _ = try await shop.one(SeedCatalog(name: BuiltInCatalog.name, entries: entries))
            let first = try #require(entries.first)
            _ = try await shop.reserve(.next(), (first.id, 5))
            _ = try await shop.one(SeedCatalog(name: "another edition", entries: entries))
            #expect(try await shop.available(first.id) == first.stock - 5)
            #expect(try await shop.discrepancies() == 0)
        }
    }
}

@Suite struct ProductCatalogStoreTests {
    private func withCatalog(
        _ body: @escaping @Sendable (Database) async throws -> Void
    ) async throws {
        try await withShop { shop in
            let entries = try BuiltInCatalog.entries()
            _ = try await shop.one(SeedCatalog(name: BuiltInCatalog.name, entries: entries))
            try await body(shop)
        }
    }

    private func page(_ shop: Database, _ search: ProductSearch) async throws -> SearchResult {
        func find(_ page: some FindPage) async throws -> SearchResult {
            let (_, hits, counts) = try await shop.pipeline(
                PlanForTheseValues(),
                page,
                CountFacets(filters: search.filters)
            )
            return SearchResult(search, hits: hits, facets: Facets(counts))
        }
        return switch search.order {
        case .relevance: try await find(FindMostRelevant(search))
        case .newest: try await find(FindNewest(search))
        case .priceAscending: try await find(FindCheapest(search))
        case .priceDescending: try await find(FindDearest(search))
        }
    }

    /// Follows the cursors from the first page to the last.
    private func walk(_ shop: Database, _ search: ProductSearch) async throws -> [ProductHit] {
        var search = search
        var found: [ProductHit] = []
        while true {
            let result = try await page(shop, search)
            #expect(result.items.count <= search.limit)
            found += result.items
            guard let next = result.nextCursor else { return found }
            search.after = PageCursor(next)
            try #require(search.after != nil && found.count < 1_000)
        }
    }

    @Test func `pages of any size and order show every product once`() async throws {
        try await withCatalog { shop in
            for order in SearchOrder.allCases where order != .relevance {
                for limit in [7, 40, 100] {
                    var search = ProductSearch()
                    search.order = order
                    search.limit = limit
                    let found = try await walk(shop, search)
                    #expect(found.count == 80)
                    #expect(Set(found.map(\.id)).count == 80)
                }
            }
        }
    }

    @Test func `prices rise and fall as asked, and the newest come first`() async throws {
        try await withCatalog { shop in
            var search = ProductSearch()
            search.limit = 9
            search.order = .priceAscending
            let rising = try await walk(shop, search).map(\.priceCents)
            #expect(rising == rising.sorted())
            search.order = .priceDescending
            let falling = try await walk(shop, search).map(\.priceCents)
            #expect(falling == rising.reversed())
            search.order = .newest
            let ids = try await walk(shop, search).map(\.id)
            #expect(ids == ids.sorted().reversed())
        }
    }

    @Test func `a word in the title counts more than one in the description`() async throws {
        try await withCatalog { shop in
            var search = ProductSearch()
            search.filters.words = "headphone"
            search.order = .relevance
            search.limit = 2
            let found = try await walk(shop, search)
            let inTitle = found.map { $0.title.contains("Headphones") }
            #expect(inTitle.contains(true) && inTitle.contains(false))
            let firstOther = try #require(inTitle.firstIndex(of: false))
            #expect(!inTitle[firstOther...].contains(true))
            #expect(Set(found.map(\.id)).count == found.count)
        }
    }

    @Test(arguments: [
        "'", "\"", "a & b", "!", "(", ":*", "\\", "';--", "\" OR \"", "the", "-", "<->", "🎧", "%",
        "_",
    ])
    func `no words break the search`(_ words: String) async throws {
        try await withCatalog { shop in
            var search = ProductSearch()
            search.filters.words = words
            search.order = .relevance
            _ = try await page(shop, search)
        }
    }

    @Test func `a category holds what is below it, and not its neighbours`() async throws {
        try await withCatalog { shop in
            var search = ProductSearch()
            search.filters.category = Category("Audio > Headphones")
            let found = try await walk(shop, search)
            #expect(found.count == 5)
            #expect(found.allSatisfy { $0.category.hasPrefix("Audio > Headphones > ") })
            search.filters.category = Category("Audio > Head")
            #expect(try await walk(shop, search).isEmpty)
        }
    }

    @Test func `filters combine, and facets count what each further one would leave`() async throws
    {
        try await withCatalog { shop in
            var search = ProductSearch()
            search.filters.category = Category("Appliances")
            search.filters.brands = ["Kettlemoor"]
            search.filters.maxPrice = 10_000
            let result = try await page(shop, search)
            let facets = try #require(result.facets)
            #expect(result.items.count == 2 && facets.total == 2 && facets.isExact)
            #expect(result.items.allSatisfy { $0.brand == "Kettlemoor" && $0.priceCents <= 10_000 })
            // Brands: what the other brands have at this price; bands: what Kettlemoor has at others.
            #expect(
                facets.brands == [
                    .init(value: "Kettlemoor", count: 2), .init(value: "Zephrane", count: 1),
                ]
            )
            #expect(facets.prices.map(\.count).reduce(0, +) == 5)
            #expect(
                facets.categories == [
                    .init(value: "Appliances > Small Kitchen Appliances", count: 2)
                ]
            )
            #expect(facets.inStock == 1 && facets.outOfStock == 1)
        }
    }

    @Test func `stock filters tell what can be bought from what cannot`() async throws {
        try await withCatalog { shop in
            var search = ProductSearch()
            search.filters.inStock = false
            let soldOut = try await page(shop, search)
            #expect(soldOut.items.map(\.available) == [0])
            search.filters.inStock = true
            #expect(try await walk(shop, search).count == 79)
        }
    }

    @Test func `departments are the facet of the whole catalog`() async throws {
        try await withCatalog { shop in
            let facets = try #require(try await page(shop, ProductSearch()).facets)
            #expect(facets.total == 80)
            #expect(facets.categories.count == 8)
            #expect(facets.categories.allSatisfy { $0.count == 10 && !$0.value.contains(">") })
        }
    }

    @Test func `a change keeps what it does not name and counts the version up`() async throws {
        try await withCatalog { shop in
            let entry = try #require(try BuiltInCatalog.entries().first)
            let update = UpdateProduct(
                id: entry.id,
                change: ProductChange(priceCents: 1_00),
                versions: [1]
            )
            let changed = try #require(try await shop.one(update))
            #expect(changed.priceCents == 1_00 && changed.version == 2)
            #expect(changed.title == entry.title && changed.attributes == entry.attributes)
            #expect(try await shop.one(update) == nil)
        }
    }

    @Test func `a withdrawn product is nowhere to be found, but its stock still adds up`()
        async throws
    {
        try await withCatalog { shop in
            let id = try #require(try BuiltInCatalog.entries().first).id
            #expect(try await shop.one(MarkWithdrawn(id: id, versions: [2])) == nil)
            #expect(try await shop.one(MarkWithdrawn(id: id, versions: nil)) == 2)
            #expect(try await shop.one(FindProduct(id: id)) == nil)
            #expect(try await shop.all(FindQuotedProducts(ids: [id])).isEmpty)
            #expect(try await shop.one(FindWithdrawal(id: id)) == true)
            #expect(try await walk(shop, ProductSearch()).count == 79)
            #expect(try await shop.discrepancies() == 0)
        }
    }
}
