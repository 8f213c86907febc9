/// A place in the category tree, from the department down: `Audio > Headphones > Sport Headphones`.
struct Category: Sendable, Hashable {
    /// What stands between two levels.
    static let separator = " > "
    /// The deepest path accepted.
    static let maxDepth = 6
    /// The longest path accepted, in characters.
    static let maxLength = 300

    /// The path as it is stored and shown.
    let path: String

    /// The path spelled by `text`, or nil when it has an empty or padded level or is too deep.
    init?(_ text: String) {
        let levels = text.split(
            separator: Self.separator,
            maxSplits: .max,
            omittingEmptySubsequences: false
        )
        let isSound = levels.allSatisfy { level in
            !level.isEmpty && level.first != " " && level.last != " " && !level.contains(">")
        }
        guard isSound, levels.count <= Self.maxDepth else { return nil }
        guard text.unicodeScalars.count <= Self.maxLength else { return nil }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            return nil
        }
        path = text
    }

    /// How many levels the path has; a department has one.
    var depth: Int { path.split(separator: Self.separator).count }
}
