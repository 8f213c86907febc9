/// What is known about a stack between commands: the content of DATA/state.json.
struct StackState: Codable, Equatable {
    /// Who answers for the processes.
    enum Mode: String, Codable {
        /// A `stack up` that is still there; when it dies, its processes are leftovers.
        case attended
        /// `stack up --detach`: the processes stand on their own.
        case detached
    }

    enum Phase: String, Codable {
        case starting, running, stopped
    }

    /// PostgreSQL as this stack runs it.
    struct Server: Codable, Equatable {
        var port: UInt16
        /// The folder that holds the cluster; outside DATA when its user cannot get there.
        var home: String
        /// The folder of initdb, postgres and psql.
        var programs: String
        /// Variables on top of those that it needs.
        var environment: [String: String]?
        var run = Run()
    }

    /// One process, running or not.
    struct Run: Codable, Equatable {
        var process: ProcessIdentity?
        /// Starts after the first.
        var restarts = 0
        var started = false

        var isAlive: Bool { process?.isAlive ?? false }

        mutating func began(_ process: ProcessIdentity) {
            if started { restarts += 1 }
            started = true
            self.process = process
        }
    }

    struct Member: Codable, Equatable {
        var plan: ProcessPlan
        var run = Run()
    }

    var bootID: String
    var owner: ProcessIdentity?
    var mode = Mode.attended
    var phase = Phase.starting
    var gatewayPort: UInt16
    var server: Server
    var members: [Member]
    /// Ports of processes that may not be part of the stack just now.
    var remembered: [String: PortPair] = [:]

    /// Whether somebody answers for the processes: then a second `up` has no business here.
    var isUp: Bool {
        guard bootID == ProcessTable.bootID(), phase != .stopped else { return false }
        if let owner, owner.isAlive { return true }
        return mode == .detached && phase == .running
            && (server.run.isAlive || members.contains { $0.run.isAlive })
    }

    /// Every process on record, running or not.
    var processes: [ProcessIdentity] {
        ([server.run] + members.map(\.run)).compactMap(\.process)
    }

    /// Every process on record that still runs, PostgreSQL aside.
    var liveServices: [ProcessIdentity] {
        members.compactMap(\.run.process).filter(\.isAlive)
    }

    /// Indices of the members that a target means.
    func indices(of target: Target) throws(StackError) -> [Int] {
        switch target {
        case .postgres:
            return []
        case .service(let service):
            return members.indices.filter { members[$0].plan.name.service == service }
        case .instance(let name):
            guard let index = members.firstIndex(where: { $0.plan.name == name }) else {
                let others = members.map(\.plan.name).filter { $0.service == name.service }
                throw .usage(
                    "there is no \(name) in this stack; there is "
                        + others.map(\.description).joined(separator: ", ")
                )
            }
            return [index]
        }
    }
}
