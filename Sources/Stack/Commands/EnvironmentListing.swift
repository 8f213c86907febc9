/// `stack env`: everything a script needs to reach the stack, as KEY=value.
struct EnvironmentListing {
    let layout: Layout

    func run() throws(StackError) {
        let state = try StateFile(layout: layout).require()
        for (key, value) in entries(state) { Terminal.say("\(key)=\(value)") }
    }

    /// The lines, in order.
    func entries(_ state: StackState) -> [(String, String)] {
        var entries = [
            ("ANYWAY_URL", "http://localhost:\(state.gatewayPort)"),
            ("ADMIN_EMAIL", Planner.adminEmail),
            ("ADMIN_PASSWORD_FILE", layout.secret("admin-password")),
            ("TLS_CA", layout.authority),
            ("POSTGRES_PORT", "\(state.server.port)"),
            ("PGPASSFILE", layout.passwordFile),
        ]
        let doors = state.members.compactMap { $0.plan.environment["CLIENT_TLS_LISTEN"] }
        if let port = doors.first?.split(separator: ":").last {
            entries.append(("ANYWAY_HTTPS_URL", "https://localhost:\(port)"))
        }
        for service in ServiceName.allCases where service.hasDatabase {
            let url = Files.text(layout.databaseURL(service))?.trimmingSuffix("\n")
            entries.append((service.variable, url ?? ""))
        }
        for member in state.members {
            let name =
                "\(member.plan.name.service.rawValue.uppercased())_\(member.plan.name.number)"
            entries.append(("\(name)_LISTEN", "127.0.0.1:\(member.plan.ports.listen)"))
            entries.append(("\(name)_ADMIN_LISTEN", "127.0.0.1:\(member.plan.ports.admin)"))
            if let certificate = member.plan.environment["TLS_CERT"] {
                entries.append(("\(name)_TLS_CERT", certificate))
                entries.append(("\(name)_TLS_KEY", member.plan.environment["TLS_KEY"] ?? ""))
            }
        }
        return entries
    }
}
