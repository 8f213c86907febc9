internal import Telemetry

/// What a process reads from its environment about traces.
struct TraceSettings: Sendable {
    /// Whether spans are kept at all.
    let isOn: Bool
    let policy: TailPolicy
    /// Where kept traces are sent; nil for nowhere.
    let export: ExportTarget?

    init(_ environment: Environment) throws(ConfigurationError) {
        isOn = try environment.isOn("TRACES", default: true)
        var policy = TailPolicy(
            slow: try environment.duration("TRACE_SLOW", default: .milliseconds(500)),
            share: try Self.share(environment)
        )
        // A consumer's request for events is held back until there are some.
        policy.patientRoutes = ["/events"]
        self.policy = policy
        export = try ExportTarget(environment)
    }

    private static func share(_ environment: Environment) throws(ConfigurationError) -> Double {
        guard let text = environment.optional("TRACE_SHARE") else { return 0.01 }
        guard let share = Double(text), (0...1).contains(share) else {
            throw ConfigurationError(
                "TRACE_SHARE",
                "is '\(text)', not a number from 0 to 1",
                example: "0.01"
            )
        }
        return share
    }
}

/// Where traces are sent in OTLP over HTTP: `http://host:port` of a collector, as `OTLP_ENDPOINT` says.
struct ExportTarget: Sendable, Equatable {
    let host: String
    let port: UInt16
    /// Where traces go there.
    let path: String

    /// What is sent as `Host`.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// - Throws: when the variable holds something else than the URL of a collector.
    init?(_ environment: Environment) throws(ConfigurationError) {
        guard let text = environment.optional("OTLP_ENDPOINT") else { return nil }
        guard let target = ExportTarget(text) else {
            throw ConfigurationError(
                "OTLP_ENDPOINT",
                "is '\(text)', not http://HOST[:PORT][/PATH]; to send further over TLS, run a collector here",
                example: "http://127.0.0.1:4318"
            )
        }
        self = target
    }

    /// Reads the base URL; OTLP's own path is added to it.
    init?(_ text: String) {
        guard text.hasPrefix("http://"), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        var rest = text.dropFirst(7)
        var path = ""
        if let slash = rest.firstIndex(of: "/") {
            path = String(rest[slash...])
            rest = rest[..<slash]
        }
        while path.hasSuffix("/") { path.removeLast() }
        guard !path.contains(where: { "?#".contains($0) }), !rest.contains("@"),
            let (host, port) = Self.split(rest)
        else { return nil }
        self.host = host
        self.port = port
        self.path = path + "/v1/traces"
    }

    private static func split(_ authority: Substring) -> (String, UInt16)? {
        var host = authority
        var port: UInt16 = 4318
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0
            else { return nil }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return host.isEmpty ? nil : (String(host), port)
    }
}
