/// `stack ps`: one line per process.
struct List {
    let layout: Layout

    func run() throws(StackError) {
        let state = try StateFile(layout: layout).require()
        let rows = ProcessView.all(state)
        var table = [["NAME", "STATE", "PID", "PORT", "ADMIN", "PSS MiB", "RESTARTS"]]
        for row in rows {
            table.append([
                row.name, row.state.rawValue, row.pid.map(String.init) ?? "-", "\(row.port)",
                row.admin.map(String.init) ?? "-", row.kib.map(Self.mebibytes) ?? "-",
                "\(row.restarts)",
            ])
        }
        Terminal.say(Terminal.table(table))
        let total = rows.compactMap(\.kib).reduce(0, +)
        Terminal.say("total \(Self.mebibytes(total)) MiB")
    }

    /// KiB as MiB with one digit.
    static func mebibytes(_ kib: Int) -> String {
        let tenths = (kib * 10 + 512) / 1024
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// One process as `ps` and `status` show it.
struct ProcessView: Encodable, Equatable {
    enum State: String, Encodable {
        case running, paused, stopped
    }

    var name: String
    var state: State
    var pid: Int32?
    var port: UInt16
    var admin: UInt16?
    /// Proportional set size; PostgreSQL's includes its backends.
    var kib: Int?
    var restarts: Int

    /// PostgreSQL first, then the services.
    static func all(_ state: StackState) -> [ProcessView] {
        let isCurrent = state.bootID == ProcessTable.bootID()
        let server = view("postgres", state.server.run, state.server.port, nil, isCurrent)
        return [server]
            + state.members.map {
                let ports = $0.plan.ports
                return view($0.plan.name.description, $0.run, ports.listen, ports.admin, isCurrent)
            }
    }

    private static func view(
        _ name: String,
        _ run: StackState.Run,
        _ port: UInt16,
        _ admin: UInt16?,
        _ isCurrent: Bool
    ) -> ProcessView {
        guard isCurrent, let process = run.process, process.isAlive else {
            return ProcessView(
                name: name,
                state: .stopped,
                pid: nil,
                port: port,
                admin: admin,
                kib: nil,
                restarts: run.restarts
            )
        }
        let family = name == "postgres" ? [process] + process.children : [process]
        let sizes = family.compactMap(\.proportionalKiB)
        return ProcessView(
            name: name,
            state: process.isPaused ? .paused : .running,
            pid: process.pid,
            port: port,
            admin: admin,
            kib: sizes.isEmpty ? nil : sizes.reduce(0, +),
            restarts: run.restarts
        )
    }
}
