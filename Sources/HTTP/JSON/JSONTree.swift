/// A JSON value between the type that encodes itself and the text.
enum JSONNode {
    /// Nothing has been encoded here, which becomes an empty object.
    case missing
    case null
    case bool(Bool)
    case integer(Int)
    /// The text of a number that is no `Int`.
    case number(String)
    case string(String)
    case container(JSONContainer)
}

/// An object, or an array, whose members have no keys.
final class JSONContainer {
    struct Member {
        let key: String
        var node: JSONNode
    }

    let isObject: Bool
    /// What it holds so far.
    ///
    /// Safe: an access ends within the method that begins it, and calls nothing of the value that is
    /// encoded, so two never overlap. The check of that at run time took a tenth of all encoding.
    @safe @exclusivity(unchecked) private(set) var members: [Member] = []
    /// Where it stands, for the paths that errors name: a child never outlives its parent's use.
    private unowned let parent: JSONContainer?
    private let place: Int

    init(isObject: Bool, in parent: JSONContainer?, at place: Int) {
        self.isObject = isObject
        self.parent = parent
        self.place = place
        members.reserveCapacity(isObject ? 8 : 4)
    }

    /// What an encoder of the whole value writes to: an array with one place.
    static func root() -> JSONContainer {
        let root = JSONContainer(isObject: false, in: nil, at: 0)
        root.append("", .missing)
        return root
    }

    func append(_ key: String, _ node: JSONNode) {
        members.append(Member(key: key, node: node))
    }

    /// Sets what was appended as `.missing`.
    func fill(_ place: Int, _ node: JSONNode) {
        guard case .missing = members[place].node else {
            preconditionFailure("one value is encoded twice")
        }
        members[place].node = node
    }

    /// The container at a place; made if nothing is there, and the same again if it is one already.
    func child(_ place: Int, isObject: Bool) -> JSONContainer {
        if case .container(let known) = members[place].node, known.isObject == isObject {
            return known
        }
        let child = JSONContainer(isObject: isObject, in: self, at: place)
        fill(place, .container(child))
        return child
    }

    /// The members in the order of their keys' bytes; of those with one key, the last.
    var sorted: [Member] {
        let indices = members.indices.dropFirst()
        if indices.allSatisfy({ precedes($0 - 1, $0) }) { return members }
        let order = members.indices.sorted { left, right in
            if precedes(left, right) { return true }
            return precedes(right, left) ? false : left < right
        }
        var result: [Member] = []
        result.reserveCapacity(members.count)
        for index in order {
            if result.last?.key == members[index].key { result.removeLast() }
            result.append(members[index])
        }
        return result
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        members[left].key.utf8.lexicographicallyPrecedes(members[right].key.utf8)
    }

    /// The path of this container, or of the place in it.
    func path(to place: Int? = nil) -> [any CodingKey] {
        guard let parent else { return [] }
        let own = parent.path(to: self.place)
        guard let place else { return own }
        return own + [isObject ? JSONKey(members[place].key) : JSONKey(place)]
    }
}

/// A member's key, or an element's number, in a path.
struct JSONKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ key: String) { (stringValue, intValue) = (key, nil) }
    init(_ number: Int) { (stringValue, intValue) = ("Index \(number)", number) }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
}
