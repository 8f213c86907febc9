/// The value of `If-None-Match` or `If-Match`: any, or a list of entity tags (RFC 9110 section 13.1).
enum EntityTags: Equatable {
    case any
    case these([String])

    /// Reads a header's value; what is no list of tags matches nothing.
    init(_ text: String) {
        guard text.trimmed != "*" else {
            self = .any
            return
        }
        // Our tags hold no comma, so splitting at commas finds them.
        self = .these(text.split(separator: ",").map { String($0).trimmed })
    }

    /// Whether `tag` is listed when weak and strong tags count the same, as `If-None-Match` wants.
    func matchWeakly(_ tag: String) -> Bool {
        switch self {
        case .any: true
        case .these(let tags): tags.contains(tag) || tags.contains("W/" + tag)
        }
    }

    /// The product versions that the tags name, for `If-Match`; nil for any.
    ///
    /// The stock's half of a tag is not looked at: a sale must not make an editor's change fail,
    /// since it cannot overwrite one.
    var versions: [Int64]? {
        guard case .these(let tags) = self else { return nil }
        return tags.compactMap { tag in
            guard tag.hasPrefix("\""), tag.hasSuffix("\"") else { return nil }
            let halves = tag.dropFirst().dropLast().split(separator: "-")
            guard halves.count == 2, Int64(halves[1]) != nil else { return nil }
            return Int64(halves[0])
        }
    }
}

extension String {
    /// The text without blanks and tabs around it.
    fileprivate var trimmed: String {
        let kept = drop { $0 == " " || $0 == "\t" }
        guard let last = kept.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return String(kept[...last])
    }
}
