/// How `stack up` was asked to bring the platform up.
struct UpOptions: Equatable {
    var replicas: [ServiceName: Int]
    var port: UInt16 = 8080
    /// Where the gateway serves clients over TLS; nil for 363 above `port`, as 8443 is above 8080.
    var httpsPort: UInt16?
    var detach = false
    var supervise = false
    var faults = false
    /// The folder with the services' executables; next to `stack` itself unless given.
    var executables: String?
    var extra: [String: String] = [:]
    /// Variables for some processes alone.
    var scoped: [ScopedVariable] = []

    /// A full stack on the default port.
    init() {
        replicas = [:]
        for service in ServiceName.allCases { replicas[service] = service.defaultReplicas }
    }

    /// Reads the flags of `up`.
    init(_ words: inout Words) throws(StackError) {
        self.init()
        if words.flag("--lean") {
            for service in ServiceName.allCases { replicas[service] = 1 }
        }
        while let list = try words.value("--replicas") { try apply(list) }
        if let port = try words.number("--port", 1...65_535) { self.port = UInt16(port) }
        if let port = try words.number("--https-port", 1...65_535) { httpsPort = UInt16(port) }
        detach = words.flag("--detach")
        supervise = words.flag("--supervise")
        faults = words.flag("--faults")
        executables = try words.value("--executables").map(Files.absolute)
        while let pair = try words.value("--set") { try set(pair) }
    }

    /// The port for TLS: the one asked for, else the usual one if nobody has it.
    func chosenHTTPSPort(isFree: (UInt16) -> Bool = Ports.isFree) -> UInt16? {
        if let httpsPort { return httpsPort }
        let (usual, overflow) = port.addingReportingOverflow(363)
        return !overflow && isFree(usual) ? usual : nil
    }

    private mutating func apply(_ list: String) throws(StackError) {
        for item in list.split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let service = ServiceName(rawValue: String(parts[0])),
                let count = Int(parts[1])
            else { throw .usage("--replicas \(item): write it as order=2,product=3") }
            let limit = service == .provider ? 1 : 32
            guard (1...limit).contains(count) else {
                throw .usage("--replicas \(item): \(service.rawValue) runs 1 to \(limit) times")
            }
            replicas[service] = count
        }
    }

    private mutating func set(_ pair: String) throws(StackError) {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw .usage("--set \(pair): write it as --set LOG_LEVEL=debug")
        }
        let name = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard name.count == 2 else {
            extra[String(parts[0])] = String(parts[1])
            return
        }
        let target = try Target(String(name[0]))
        guard !name[1].isEmpty else {
            throw .usage("--set \(pair): write it as --set order.2:LOG_LEVEL=debug")
        }
        scoped.append(
            ScopedVariable(target: target, name: String(name[1]), value: String(parts[1]))
        )
    }
}
