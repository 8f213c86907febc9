internal import HTTP
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// `GET /products`: one page of a search, with facets on the first.
    func search(_ request: Request) async throws(Problem) -> Response {
        let search: ProductSearch
        do throws(InvalidInput) {
            search = try ProductSearch(query: request.query)
        } catch {
            throw error.queryProblem
        }
        let result = try await find(search)
        return .json(result, headers: Caching.ofPages)
    }

    private func find(_ search: ProductSearch) async throws(Problem) -> SearchResult {
        switch search.order {
        case .relevance: try await find(FindMostRelevant(search))
        case .newest: try await find(FindNewest(search))
        case .priceAscending: try await find(FindCheapest(search))
        case .priceDescending: try await find(FindDearest(search))
        }
    }

    /// Asks for the page and, when it is the first, for the facets, in one round trip.
    private func find<Page: FindPage>(_ page: Page) async throws(Problem) -> SearchResult {
        guard page.search.after == nil else {
            let (_, hits) = try await store.pipeline(PlanForTheseValues(), page)
            return SearchResult(page.search, hits: hits, facets: nil)
        }
        let (_, hits, counts) = try await store.pipeline(
            PlanForTheseValues(),
            page,
            CountFacets(filters: page.search.filters)
        )
        return SearchResult(page.search, hits: hits, facets: Facets(counts))
    }
}

/// How long others may keep what the catalog said.
enum Caching {
    /// Seconds fresh; a cache may then answer once more while it asks, and for a day when we are gone.
    static let ofPages: Headers = [
        .cacheControl: "public, max-age=2, stale-while-revalidate=2, stale-if-error=86400"
    ]
    /// A product shows its stock to the piece, so a cache asks each time, which the entity tag makes
    /// cheap, and answers itself only when we are gone.
    static let ofProducts: Headers = [
        .cacheControl: "public, max-age=0, stale-if-error=86400"
    ]
}
