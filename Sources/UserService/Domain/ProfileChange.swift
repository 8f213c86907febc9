internal import HTTP

/// A change to a profile: a JSON merge patch (RFC 7396) of what its owner may change.
struct ProfileChange: Sendable, Equatable {
    /// The new name, if it changes.
    let name: String?
    /// Preferences to add, replace or, where null, remove.
    let preferences: [String: JSONValue]

    /// Reads a patch; what it may not touch is refused rather than overlooked.
    init(_ patch: JSONValue) throws(Flaws) {
        var flaws = Flaws()
        guard case .object(let members) = patch else {
            flaws.require(false, "", "must be an object")
            throw flaws
        }
        for member in members.keys.sorted() where member != "name" && member != "preferences" {
            flaws.require(false, "/" + member.escapedForPointer, "cannot be changed")
        }
        name = members["name"]?.string
        if let name { flaws.require(name: name) }
        flaws.require(members["name"] == nil || name != nil, "/name", "must be a string")
        switch members["preferences"] {
        case nil: preferences = [:]
        case .object(let changes): preferences = changes
        default:
            preferences = [:]
            flaws.require(false, "/preferences", "must be an object")
        }
        try flaws.finish()
    }

    /// The profile after the change; the version is the store's to count.
    func applied(to profile: Profile) throws(Flaws) -> Profile {
        var changed = profile
        if let name { changed.name = name }
        changed.preferences = Preferences.merge(preferences, into: profile.preferences)
        var flaws = Flaws()
        Preferences.check(changed.preferences, &flaws)
        try flaws.finish()
        return changed
    }
}

/// A user's preferences: a JSON object whose meaning is the clients', kept within bounds.
enum Preferences {
    static let maximumBytes = 8192
    static let maximumDepth = 4
    static let maximumMembers = 100
    static let maximumNameLength = 64

    /// RFC 7396 section 2: null removes, objects merge, all else replaces.
    static func merge(
        _ patch: [String: JSONValue],
        into target: [String: JSONValue]
    ) -> [String: JSONValue] {
        var result = target
        for (name, value) in patch {
            switch value {
            case .null: result[name] = nil
            case .object(let members):
                var inner: [String: JSONValue] = [:]
                if case .object(let existing)? = result[name] { inner = existing }
                result[name] = .object(merge(members, into: inner))
            default: result[name] = value
            }
        }
        return result
    }

    /// Notes what exceeds the bounds.
    static func check(_ preferences: [String: JSONValue], _ flaws: inout Flaws) {
        let size = Size(.object(preferences))
        flaws.require(
            size.depth <= maximumDepth,
            "/preferences",
            "must not nest deeper than \(maximumDepth) levels"
        )
        flaws.require(
            size.members <= maximumMembers,
            "/preferences",
            "must not have more than \(maximumMembers) members"
        )
        flaws.require(
            size.longestName <= maximumNameLength,
            "/preferences",
            "must not have names longer than \(maximumNameLength) bytes"
        )
        // PostgreSQL's jsonb cannot hold it.
        flaws.require(!size.hasZero, "/preferences", "must not contain the character U+0000")
        let bytes = (try? JSON.encode(preferences))?.count
        flaws.require(
            bytes.map { $0 <= maximumBytes } ?? false,
            "/preferences",
            "must not take more than \(maximumBytes) bytes"
        )
    }

    /// How large a value is, in all respects that are bounded.
    private struct Size {
        var depth = 0
        var members = 0
        var longestName = 0
        var hasZero = false

        init(_ value: JSONValue) { add(value, depth: 0) }

        /// The depth is bounded before this by the parser, which refuses 512 levels.
        private mutating func add(_ value: JSONValue, depth: Int) {
            switch value {
            case .object(let members):
                self.depth = max(self.depth, depth + 1)
                self.members += members.count
                for (name, member) in members {
                    longestName = max(longestName, name.utf8.count)
                    hasZero = hasZero || name.utf8.contains(0)
                    add(member, depth: depth + 1)
                }
            case .array(let elements):
                self.depth = max(self.depth, depth + 1)
                for element in elements { add(element, depth: depth + 1) }
            case .string(let text): hasZero = hasZero || text.utf8.contains(0)
            case .null, .bool, .integer, .number: break
            }
        }
    }
}

extension String {
    /// As one reference token of a JSON pointer (RFC 6901 section 3).
    var escapedForPointer: String {
        replacing("~", with: "~0").replacing("/", with: "~1")
    }
}
