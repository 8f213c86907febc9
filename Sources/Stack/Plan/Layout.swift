/// Where everything of one stack lives below its data folder.
struct Layout: Equatable {
    /// The data folder, absolute.
    let root: String

    init(_ data: String) {
        root = Files.absolute(data)
    }

    var state: String { "\(root)/state.json" }
    /// Held for a moment by whoever reads, changes and writes the state.
    var stateLock: String { "\(root)/state.lock" }
    /// Held by `stack up` for as long as it runs.
    var upLock: String { "\(root)/up.lock" }
    var logs: String { "\(root)/logs" }
    var secrets: String { "\(root)/secrets" }
    var certificates: String { "\(root)/certificates" }
    var postgres: String { "\(root)/postgres" }
    /// Where order processes save orders while PostgreSQL is away; each takes a file of its own in it.
    var journal: String { "\(root)/journal" }

    func log(_ name: String) -> String { "\(logs)/\(name).log" }
    func secret(_ name: String) -> String { "\(secrets)/\(name)" }
    func databaseURL(_ service: ServiceName) -> String {
        secret("\(service.rawValue)-database-url")
    }
    func certificate(_ name: String) -> String { "\(certificates)/\(name).pem" }
    func key(_ name: String) -> String { secret("\(name).key") }
    var authority: String { certificate("authority") }
    var passwordFile: String { secret("pgpass") }

    /// Every path that `down --wipe` may remove; nothing else in the folder is ours.
    var everything: [String] {
        [postgres, journal, logs, secrets, certificates, stateLock, upLock, state]
    }

    /// Marks the environment of every process of this stack, so that a later one can find strays.
    var mark: String { "ANYWAY_STACK=\(root)" }
}
