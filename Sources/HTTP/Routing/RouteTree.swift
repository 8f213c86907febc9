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
        _ handler: @escaping Handler
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
                handler: handler
            )
        )
    }

    /// The routes whose template fits the path; nil when none does.
    func find(_ path: Path) -> [Router.Route]? {
        find(Path.Cursor(path), 0)
    }

    private func find(_ cursor: Path.Cursor, _ index: Int) -> [Router.Route]? {
        var next = cursor
        guard let segment = next.next() else {
            return nodes[index].routes.isEmpty ? nil : nodes[index].routes
        }
        for literal in nodes[index].literals where literal.segment.elementsEqual(segment) {
            if let found = find(next, literal.node) { return found }
        }
        if let parameter = nodes[index].parameter, let found = find(next, parameter) {
            return found
        }
        return nodes[index].tail.map { nodes[$0].routes }
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
