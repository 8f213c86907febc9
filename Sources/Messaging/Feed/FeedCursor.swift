/// How far a consumer has read a feed: everything up to this transaction and row.
///
/// Transaction first: rows get their numbers before they commit, so a later number may become visible
/// before an earlier one, and a cursor over numbers alone would step over the latecomer for ever.
public struct FeedCursor: Hashable, Sendable, Comparable, LosslessStringConvertible {
    /// The writing transaction's 64-bit id.
    public let transaction: UInt64
    /// The row's number.
    public let row: Int64

    /// Before the first event.
    public static let start = FeedCursor(transaction: 0, row: 0)

    /// The place right behind a row.
    public init(transaction: UInt64, row: Int64) {
        self.transaction = transaction
        self.row = row
    }

    /// Reads `TRANSACTION-ROW`; nil for anything else.
    public init?(_ description: String) {
        let parts = description.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts.first, let last = parts.last,
            first.utf8.allSatisfy({ (48...57).contains($0) }),
            last.utf8.allSatisfy({ (48...57).contains($0) }),
            let transaction = UInt64(first), let row = Int64(last)
        else { return nil }
        self.init(transaction: transaction, row: row)
    }

    /// `TRANSACTION-ROW`; opaque to consumers.
    public var description: String { "\(transaction)-\(row)" }

    /// Whether `left` comes first in the feed.
    public static func < (left: FeedCursor, right: FeedCursor) -> Bool {
        (left.transaction, left.row) < (right.transaction, right.row)
    }
}

/// Where a consumer stands, in its own database and in what it asks the feed for.
public enum FeedPosition: Hashable, Sendable, LosslessStringConvertible {
    /// At the oldest event that is kept, whatever was dropped before it: a consumer that is new, or was
    /// rewound. The feed's first answer tells it the place that this is.
    case oldest
    /// Behind an event. A feed that has dropped what follows, or has never come so far, says so (410).
    case behind(FeedCursor)

    /// Reads `oldest` or a cursor; nil for anything else.
    public init?(_ description: String) {
        if description == "oldest" {
            self = .oldest
        } else if let cursor = FeedCursor(description) {
            self = .behind(cursor)
        } else {
            return nil
        }
    }

    /// `oldest` or the cursor; opaque to consumers.
    public var description: String {
        switch self {
        case .oldest: "oldest"
        case .behind(let cursor): cursor.description
        }
    }
}
