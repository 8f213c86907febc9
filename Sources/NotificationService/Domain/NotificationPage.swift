/// Which notifications a customer asks for: the newest first, page by page.
struct NotificationPage: Sendable, Equatable {
    static let defaultLimit = 20
    static let maxLimit = 100

    /// How many a page holds.
    let limit: Int
    /// Only those before this one; nil for the first page.
    let before: NotificationCursor?

    /// A query parameter that cannot be used, and what would do.
    struct Invalid: Error, Equatable {
        let parameter: String
        let detail: String
    }

    /// Reads the query of `GET /notifications`; unknown and repeated parameters are refused.
    init(query: some Sequence<(name: String, value: String)>) throws(Invalid) {
        var values: [String: String] = [:]
        for (name, value) in query {
            guard ["limit", "cursor"].contains(name) else {
                throw Invalid(parameter: name, detail: "is not a parameter of this list")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Invalid(parameter: name, detail: "must not be repeated")
            }
        }
        limit = try Self.limit(values["limit"])
        before = try Self.cursor(values["cursor"])
    }

    private static func limit(_ text: String?) throws(Invalid) -> Int {
        guard let text else { return defaultLimit }
        let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isPlain, let limit = Int(text), (1...maxLimit).contains(limit) else {
            throw Invalid(parameter: "limit", detail: "must be a number from 1 to \(maxLimit)")
        }
        return limit
    }

    private static func cursor(_ text: String?) throws(Invalid) -> NotificationCursor? {
        guard let text else { return nil }
        guard let cursor = NotificationCursor(text) else {
            throw Invalid(parameter: "cursor", detail: "must be the next_cursor of this list")
        }
        return cursor
    }
}

/// Where a page of notifications ended; opaque to clients.
struct NotificationCursor: Sendable, Equatable {
    let position: Int64

    init(position: Int64) { self.position = position }

    /// Reads the text form; nil for anything that this type did not write.
    init?(_ text: String) {
        guard text.first == "n", let position = Int64(text.dropFirst(), radix: 36), position > 0
        else { return nil }
        self.position = position
        guard self.text == text else { return nil }
    }

    var text: String { "n" + String(position, radix: 36) }
}

/// The answer of `GET /notifications`.
struct NotificationList: Sendable, Encodable {
    let items: [Notification]
    let nextCursor: String?

    /// Cuts a page out of `found`, which was asked for with one more than the page holds.
    init(_ page: NotificationPage, _ found: [Notification]) {
        items = Array(found.prefix(page.limit))
        nextCursor =
            found.count > page.limit
            ? items.last.map { NotificationCursor(position: $0.position).text } : nil
    }

    enum CodingKeys: String, CodingKey {
        case items
        case nextCursor = "next_cursor"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(items, forKey: .items)
        try container.encode(nextCursor, forKey: .nextCursor)
    }
}
