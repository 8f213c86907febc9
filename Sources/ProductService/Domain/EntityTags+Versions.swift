internal import HTTP

extension EntityTags {
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
