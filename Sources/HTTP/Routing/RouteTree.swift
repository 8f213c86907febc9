/// The templates of a router as a tree of segments, matched on the path's own bytes.
struct RouteTree: Sendable {
    private struct Node: Sendable {
        var literals: [(segment: [UInt8], node: Int)] = []
        var parameter: Int?
        var tail: Int?
        var routes: [Router.Route] = []
    }

    private var nodes = [Node()]

    mutating func add(
        _ method: Method,
        _ template: String,
        _ callers: Callers,
        _ answerer: Router.Answerer
    ) {
        precondition(template.hasPrefix("/"), "'\(template)' does not begin with a slash")
        var parameters = PathParameters()
        var node = 0
        for (index, segment) in template.split(separator: "/").enumerated() {
            precondition(parameters.hasNoTail, "'\(template)' goes on behind its tail")
            guard segment.hasPrefix("{"), segment.hasSuffix("}") else {
                precondition(!segment.contains { "{}".contains($0) }, "'\(template)': bad segment")
                node = literal([UInt8](segment.utf8), under: node)
                continue
            }
            let isTail = segment.hasSuffix("...}")
            let name = String(segment.dropFirst().dropLast(isTail ? 4 : 1))
            precondition(
                !name.isEmpty && !parameters.names.contains { $0.name == name },
                "'\(template)': bad parameter"
            )
            parameters.names.append((name, index, isTail))
            node = isTail ? tail(under: node) : parameter(under: node)
        }
        precondition(
            !nodes[node].routes.contains { $0.method == method },
            "'\(method) \(template)' is there already"
        )
        nodes[node].routes.append(
            Router.Route(
                method: method,
                template: template,
                callers: callers,
                parameters: parameters,
                answerer: answerer
            )
        )
    }

    /// The routes whose template fits the path; nil when none does.
    func find(_ path: Path) -> [Router.Route]? {
        let bytes = path.storage.span.extracting(path.range)
        guard let node = find(bytes, 1, 0) else { return nil }
        return nodes[node].routes
    }

    /// The node that the path leads to whose segment begins at `start`; nil when there is none.
    private func find(_ path: Span<UInt8>, _ start: Int, _ node: Int) -> Int? {
        guard start < path.count else { return nodes[node].routes.isEmpty ? nil : node }
        var end = start
        while end < path.count, path[end] != 0x2F { end += 1 }
        for index in nodes[node].literals.indices
        where Self.equals(path, start..<end, nodes[node].literals[index].segment) {
            if let found = find(path, end + 1, nodes[node].literals[index].node) { return found }
        }
        if let parameter = nodes[node].parameter, let found = find(path, end + 1, parameter) {
            return found
        }
        return nodes[node].tail.flatMap { nodes[$0].routes.isEmpty ? nil : $0 }
    }

    private static func equals(
        _ path: Span<UInt8>,
        _ range: Range<Int>,
        _ segment: [UInt8]
    ) -> Bool {
        guard segment.count == range.count else { return false }
        for index in segment.indices where path[range.lowerBound + index] != segment[index] {
            return false
        }
        return true
    }

    private mutating func literal(_ segment: [UInt8], under node: Int) -> Int {
        if let known = nodes[node].literals.first(where: { $0.segment == segment }) {
            return known.node
        }
        let new = grow()
        nodes[node].literals.append((segment, new))
        return new
    }

    private mutating func parameter(under node: Int) -> Int {
        if let known = nodes[node].parameter { return known }
        let new = grow()
        nodes[node].parameter = new
        return new
    }

    private mutating func tail(under node: Int) -> Int {
        if let known = nodes[node].tail { return known }
        let new = grow()
        nodes[node].tail = new
        return new
    }

    private mutating func grow() -> Int {
        nodes.append(Node())
        return nodes.count - 1
    }
}
