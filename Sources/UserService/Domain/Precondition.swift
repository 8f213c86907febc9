/// The value of `If-Match` or `If-None-Match`: any version, or those listed (RFC 9110 section 13.1).
enum Precondition: Equatable {
    case any
    case these([String])

    /// Reads all lines of the header; nil when there is none.
    init?(_ lines: [String]) {
        guard !lines.isEmpty else { return nil }
        let tags = lines.flatMap { $0.split(separator: ",") }.map(Self.trimmed)
        // Our tags hold no comma, so splitting there finds them.
        self = tags == ["*"] ? .any : .these(tags)
    }

    /// The strong comparison that `If-Match` wants: a weak tag never matches.
    func matchesStrongly(_ tag: String) -> Bool {
        switch self {
        case .any: true
        case .these(let tags): tags.contains(tag)
        }
    }

    /// The weak comparison that `If-None-Match` wants.
    func matchesWeakly(_ tag: String) -> Bool {
        switch self {
        case .any: true
        case .these(let tags): tags.contains(tag) || tags.contains("W/" + tag)
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let kept = text.drop { $0 == " " || $0 == "\t" }
        let last = kept.lastIndex { $0 != " " && $0 != "\t" }
        return last.map { String(kept[...$0]) } ?? ""
    }
}
