internal import HTTP
internal import Mesh

/// `/faults` on the admin port: what is broken on purpose, and how to change it.
struct FaultRoutes: Sendable {
    /// Nil unless `FAULTS=on`.
    let faults: FaultInjector?

    func add(to router: inout Router) {
        router.on(.get, "/faults") { _ throws(Problem) in .json(try injector().document) }
        router.on(.post, "/faults") { request throws(Problem) in
            try injector().add(try await request.json(JSONValue.self))
            return .json(try injector().document, status: .created)
        }
        router.on(.put, "/faults") { request throws(Problem) in
            try injector().replace(with: try await request.json(JSONValue.self))
            return .json(try injector().document)
        }
        router.on(.delete, "/faults") { _ throws(Problem) in
            try injector().removeAll()
            return .json(try injector().document)
        }
        router.on(.delete, "/faults/{name}") { request throws(Problem) in
            try injector().remove(try request.parameter("name"))
            return .json(try injector().document)
        }
    }

    private func injector() throws(Problem) -> FaultInjector {
        guard let faults else {
            throw Problem(
                .forbidden,
                "faults-off",
                detail: "this process takes no injected faults; start it with FAULTS=on"
            )
        }
        return faults
    }
}
