/// One service process as it is to run: decided once, remembered in the state, started any number of times.
struct ProcessPlan: Codable, Equatable {
    var name: InstanceName
    var executable: String
    var ports: PortPair
    var environment: [String: String]
}

/// A variable that only some processes get.
struct ScopedVariable: Equatable {
    var target: Target
    var name: String
    var value: String

    /// Whether it is for this process.
    func isFor(_ instance: InstanceName) -> Bool {
        switch target {
        case .postgres: false
        case .service(let service): service == instance.service
        case .instance(let name): name == instance
        }
    }
}

/// Turns replica counts and ports into processes with their environments.
struct Planner {
    var layout: Layout
    /// The folder with the services' executables.
    var executables: String
    var replicas: [ServiceName: Int]
    var ports: [InstanceName: PortPair]
    var faults = false
    /// Where the first gateway serves clients over TLS; nil for nowhere.
    var httpsPort: UInt16?
    /// Variables that every process gets on top, from `--set`.
    var extra: [String: String] = [:]
    /// Those for some processes alone, on top of that.
    var scoped: [ScopedVariable] = []

    /// Every process to run, in order of name.
    func plans() -> [ProcessPlan] {
        instances().compactMap { name in
            ports[name].map { pair in
                ProcessPlan(
                    name: name,
                    executable: "\(executables)/\(name.service.rawValue)",
                    ports: pair,
                    environment: environment(name, pair)
                )
            }
        }
    }

    /// The names of all processes.
    func instances() -> [InstanceName] {
        ServiceName.allCases.flatMap { service in
            (0..<(replicas[service] ?? 0)).map { InstanceName(service: service, number: $0 + 1) }
        }
    }

    private func environment(_ name: InstanceName, _ pair: PortPair) -> [String: String] {
        let service = name.service
        var variables = [
            "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC",
            "ANYWAY_STACK": layout.root,
            "INSTANCE": name.description,
            "LISTEN": "127.0.0.1:\(pair.listen)",
            "ADMIN_LISTEN": "127.0.0.1:\(pair.admin)",
            "EVENT_LOOPS": "\(service.eventLoops)",
        ]
        if service.hasDatabase { variables["DATABASE_URL_FILE"] = layout.databaseURL(service) }
        if service.isInsideMesh {
            variables["TLS_CERT"] = layout.certificate(name.description)
            variables["TLS_KEY"] = layout.key(name.description)
            variables["TLS_CA"] = layout.authority
        }
        for upstream in service.upstreams {
            variables["UPSTREAM_\(upstream.rawValue.uppercased())"] = addresses(of: upstream)
        }
        switch service {
        case .user:
            variables["ADMIN_EMAIL"] = Planner.adminEmail
            variables["ADMIN_PASSWORD_FILE"] = layout.secret("admin-password")
        case .payment:
            variables["PROVIDER_URL"] = "http://\(addresses(of: .provider))"
            variables["PROVIDER_KEY_FILE"] = layout.secret("provider-key")
        case .provider:
            variables["PROVIDER_KEY_FILE"] = layout.secret("provider-key")
        case .gateway:
            // Browsers, tests and load tools of this machine are all one address.
            variables["HTTP_MAX_CONNECTIONS_PER_ADDRESS"] = "20000"
            // Each lets its share of every limit through.
            if (replicas[.gateway] ?? 0) > 1 { variables["GATEWAYS"] = addresses(of: .gateway) }
            guard name.number == 1, let httpsPort else { break }
            // The private authority's certificate names localhost; trust it to try it.
            variables["CLIENT_TLS_LISTEN"] = "127.0.0.1:\(httpsPort)"
            variables["CLIENT_TLS_CERT"] = layout.certificate(name.description)
            variables["CLIENT_TLS_KEY"] = layout.key(name.description)
        case .order:
            variables["JOURNAL_DIR"] = layout.journal
        case .product, .notification:
            break
        }
        if faults { variables["FAULTS"] = "on" }
        variables.merge(extra) { _, ours in ours }
        for variable in scoped where variable.isFor(name) {
            variables[variable.name] = variable.value
        }
        return variables
    }

    static let adminEmail = "admin@anyway.local"

    private func addresses(of service: ServiceName) -> String {
        (0..<(replicas[service] ?? 0))
            .compactMap { ports[InstanceName(service: service, number: $0 + 1)] }
            .map { "127.0.0.1:\($0.listen)" }
            .joined(separator: ",")
    }
}
