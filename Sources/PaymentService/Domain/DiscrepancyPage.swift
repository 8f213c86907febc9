/// Which discrepancies an administrator asks for: the newest first, page by page.
struct DiscrepancyPage: Sendable, Equatable {
    static let maxLimit = 100

    /// Whether repaired and settled ones are shown too, not only open ones.
    var isAll = false
    /// How many a page holds.
    var limit = 50
    /// Only those before this one; nil for the first page.
    var before: Int64?

    /// A query parameter that cannot be used, and what would do.
    struct Invalid: Error, Equatable {
        let parameter: String
        let detail: String
    }

    /// Reads the query; unknown parameters are refused, of repeated ones the last counts.
    init(query: some Sequence<(name: String, value: String)>) throws(Invalid) {
        for (name, value) in query {
            switch name {
            case "state":
                guard ["open", "all"].contains(value) else {
                    throw Invalid(parameter: name, detail: "must be open or all")
                }
                isAll = value == "all"
            case "limit":
                guard let limit = Int(value), (1...Self.maxLimit).contains(limit) else {
                    throw Invalid(
                        parameter: name,
                        detail: "must be a number from 1 to \(Self.maxLimit)"
                    )
                }
                self.limit = limit
            case "cursor":
                guard value.first == "d", let id = Int64(value.dropFirst(), radix: 36), id > 0
                else {
                    throw Invalid(parameter: name, detail: "must be the next_cursor of this list")
                }
                before = id
            default:
                throw Invalid(parameter: name, detail: "is not a parameter of this list")
            }
        }
    }
}

/// One page of discrepancies.
struct DiscrepancyList: Sendable, Encodable {
    let items: [RecordedDiscrepancy]
    let nextCursor: String?

    /// Cuts a page out of `found`, which was asked for with one more than the page holds.
    init(_ page: DiscrepancyPage, _ found: [RecordedDiscrepancy]) {
        items = Array(found.prefix(page.limit))
        let last = found.count > page.limit ? items.last : nil
        nextCursor = last.map { "d" + String($0.id, radix: 36) }
    }

    private enum CodingKeys: String, CodingKey {
        case items
        case nextCursor = "next_cursor"
    }

    func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: CodingKeys.self)
        try out.encode(items, forKey: .items)
        try out.encode(nextCursor, forKey: .nextCursor)
    }
}
