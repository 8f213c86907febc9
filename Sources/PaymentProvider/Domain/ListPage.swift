/// One page of a list, newest first.
///
/// JSON as in Stripe's API.
struct ListPage<Item: Encodable & Sendable>: Encodable, Sendable {
    let url: String
    let data: [Item]
    let hasMore: Bool

    /// Takes one item more than the page holds, to know whether there is another page.
    init(url: String, items: [Item], limit: Int) {
        self.url = url
        self.data = Array(items.prefix(limit))
        self.hasMore = items.count > limit
    }

    private enum Key: String, CodingKey {
        case object, url, data
        case hasMore = "has_more"
    }

    func encode(to encoder: any Encoder) throws {
        var out = encoder.container(keyedBy: Key.self)
        try out.encode("list", forKey: .object)
        try out.encode(url, forKey: .url)
        try out.encode(hasMore, forKey: .hasMore)
        try out.encode(data, forKey: .data)
    }
}
