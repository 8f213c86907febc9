import FoundationEssentials
import Testing

@testable import ProductService

@Suite struct ProductSearchTests {
    private func search(_ query: (name: String, value: String)...) throws(InvalidInput)
        -> ProductSearch
    {
        try ProductSearch(query: query)
    }

    /// The places that are named as wrong.
    private func flaws(_ query: (name: String, value: String)...) -> [String] {
        do {
            _ = try ProductSearch(query: query)
            return []
        } catch {
            return error.flaws.map(\.place)
        }
    }

    @Test func `an empty query asks for the newest products`() throws {
        let search = try search()
        #expect(search == ProductSearch())
        #expect(search.order == .newest && search.limit == 24 && search.after == nil)
    }

    @Test func `every parameter is read`() throws {
        let search = try search(
            ("q", "quiet fan"),
            ("category", "Appliances > Small Kitchen Appliances"),
            ("brand", "Zephrane"),
            ("brand", "Kettlemoor"),
            ("brand", "Zephrane"),
            ("min_price", "0"),
            ("max_price", "9999"),
            ("in_stock", "true"),
            ("sort", "price_desc"),
            ("limit", "100")
        )
        #expect(search.filters.words == "quiet fan")
        #expect(search.filters.category?.depth == 2)
        #expect(search.filters.brands == ["Kettlemoor", "Zephrane"])
        #expect(search.filters.minPrice == 0 && search.filters.maxPrice == 9999)
        #expect(search.filters.inStock == true)
        #expect(search.order == .priceDescending && search.limit == 100)
    }

    @Test func `words make relevance the order unless another is asked for`() throws {
        #expect(try search(("q", "kettle")).order == .relevance)
        #expect(try search(("q", "kettle"), ("sort", "newest")).order == .newest)
    }

    @Test(arguments: [
        ("q", ""), ("q", "   "), ("q", "a\u{0}b"), ("q", String(repeating: "x", count: 201)),
        ("category", ""), ("category", "Audio >  > Radios"), ("category", " Audio"),
        ("category", "A > B > C > D > E > F > G"), ("brand", ""), ("brand", "a\nb"),
        ("min_price", "-1"), ("min_price", "+1"), ("min_price", "1.5"), ("min_price", ""),
        ("min_price", "1e3"), ("min_price", " 1"), ("max_price", "100000000"),
        ("max_price", "99999999999999999999"), ("in_stock", "yes"), ("in_stock", "TRUE"),
        ("sort", "cheapest"), ("sort", ""), ("limit", "0"), ("limit", "101"), ("limit", "ten"),
        ("cursor", ""), ("cursor", "AAAA"), ("colour", "red"),
    ])
    func `a bad value is refused by name`(_ parameter: (name: String, value: String)) {
        #expect(flaws(parameter) == [parameter.name])
    }

    @Test func `everything that is wrong is named at once`() {
        let found = flaws(("limit", "0"), ("in_stock", "?"), ("page", "2"), ("offset", "10"))
        #expect(found == ["in_stock", "limit", "offset", "page"])
    }

    @Test func `what may occur once may not be repeated`() {
        #expect(flaws(("q", "one"), ("q", "two")) == ["q"])
    }

    @Test func `a price range must not be upside down`() {
        #expect(flaws(("min_price", "200"), ("max_price", "100")) == ["max_price"])
        #expect(flaws(("min_price", "200"), ("max_price", "200")) == [])
    }

    @Test func `relevance means nothing without words`() {
        #expect(flaws(("sort", "relevance")) == ["sort"])
    }

    @Test func `a cursor continues the search it came from`() throws {
        let first = try search(("category", "Audio"), ("sort", "price_asc"))
        let cursor = PageCursor(
            order: .priceAscending,
            search: first.filters.fingerprint,
            key: 6900,
            id: UUID()
        )
        let second = try search(
            ("category", "Audio"),
            ("sort", "price_asc"),
            ("cursor", cursor.text),
            ("limit", "5")
        )
        #expect(second.after == cursor)
    }

    @Test func `a cursor of another search is refused`() throws {
        let audio = try search(("category", "Audio"))
        let cursor = PageCursor(
            order: .newest,
            search: audio.filters.fingerprint,
            key: 0,
            id: UUID()
        ).text
        #expect(flaws(("category", "Appliances"), ("cursor", cursor)) == ["cursor"])
        #expect(
            flaws(("category", "Audio"), ("sort", "price_asc"), ("cursor", cursor)) == ["cursor"]
        )
        #expect(flaws(("category", "Audio"), ("cursor", cursor)) == [])
    }
}

@Suite struct PageCursorTests {
    @Test func `text and back gives the same cursor`() {
        var random = SystemRandomNumberGenerator()
        for order in SearchOrder.allCases {
            for key in [Int64.min, -1, 0, 1, .max, .random(in: 0...1_000_000, using: &random)] {
                let cursor = PageCursor(
                    order: order,
                    search: .random(in: 0...(.max)),
                    key: key,
                    id: UUID()
                )
                #expect(PageCursor(cursor.text) == cursor)
                #expect(cursor.text.utf8.allSatisfy { $0 != 0x2B && $0 != 0x2F && $0 != 0x3D })
            }
        }
    }

    @Test func `any changed character is refused or another valid cursor, never a crash`() {
        let text = PageCursor(order: .newest, search: 7, key: 8, id: UUID()).text
        for position in text.indices {
            for replacement in "A9_-+/=%é" {
                var changed = text
                changed.replaceSubrange(position...position, with: String(replacement))
                if let cursor = PageCursor(changed) { #expect(cursor.text == changed) }
            }
        }
        #expect(PageCursor(text + "A") == nil)
        #expect(PageCursor(String(text.dropLast())) == nil)
    }

    @Test func `fingerprints tell filters apart`() {
        var filters: [SearchFilters] = [SearchFilters()]
        for (words, brands) in [
            ("ab", ["c"]), ("a", ["bc"]), ("abc", []), ("", ["abc"]), ("a", ["b", "c"]),
        ] {
            filters.append(SearchFilters(words: words, brands: brands))
        }
        filters.append(SearchFilters(minPrice: 1))
        filters.append(SearchFilters(maxPrice: 1))
        filters.append(SearchFilters(inStock: true))
        filters.append(SearchFilters(inStock: false))
        #expect(Set(filters.map(\.fingerprint)).count == filters.count)
    }
}
