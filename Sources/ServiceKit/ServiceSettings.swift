internal import HTTP
internal import Reactor
internal import Telemetry

/// What every process of the platform reads from its environment.
struct ServiceSettings: Sendable {
    let listen: (host: String, port: UInt16)
    let adminListen: (host: String, port: UInt16)
    let instance: String
    let eventLoops: Int
    let logLevel: LogLevel
    let logFormat: LogFormat
    let tls: TLSConfiguration?
    let servesTLS: Bool
    let drainTime: Duration
    let limits: HTTPLimits
    /// Whether `/faults` may break the process on purpose.
    let takesFaults: Bool
    /// The guards that the process does without.
    let ablation: Ablation
    let traces: TraceSettings
    /// Whether `HTTP_MAX_BODY` was set, so that no route may have more.
    let isContentCapped: Bool
    /// Where clients are served over TLS beside the plain port, and with what; the gateway's.
    let clientTLS: (listen: (host: String, port: UInt16), files: TLSConfiguration)?

    init(
        _ environment: Environment,
        service: String,
        transport: Transport
    ) throws(ConfigurationError) {
        listen = try environment.hostAndPort("LISTEN", default: "127.0.0.1:0")
        adminListen = try environment.hostAndPort("ADMIN_LISTEN", default: "127.0.0.1:0")
        instance = Self.instance(environment, service)
        eventLoops = try environment.integer("EVENT_LOOPS", in: 1...64, default: Self.processors)
        logLevel = try Self.level(environment)
        logFormat = try environment.choice("LOG_FORMAT", default: LogFormat.json)
        drainTime = try environment.duration("DRAIN_TIME", default: .seconds(30))
        tls = try Self.certificates(environment, transport)
        servesTLS = transport == .mutualTLS
        var limits = try HTTPLimits(environment, facingClients: transport == .plainOutside)
        limits.drainTime = drainTime
        self.limits = limits
        takesFaults = try environment.isOn("FAULTS")
        ablation = try Ablation(environment, takesFaults: takesFaults)
        traces = try TraceSettings(environment)
        isContentCapped = environment.optional("HTTP_MAX_BODY") != nil
        clientTLS = transport == .plainOutside ? try Self.clientTLS(environment) : nil
    }

    /// `INSTANCE`, or the service with the host's name where that is known: containers have one each,
    /// and replicas must not share a name (decision 6).
    private static func instance(_ environment: Environment, _ service: String) -> String {
        environment.optional("INSTANCE")
            ?? environment.optional("HOSTNAME").map { "\(service).\($0)" } ?? service
    }

    /// The listener for clients over TLS; nil unless `CLIENT_TLS_LISTEN` asks for it.
    private static func clientTLS(
        _ environment: Environment
    ) throws(ConfigurationError) -> (listen: (host: String, port: UInt16), files: TLSConfiguration)?
    {
        guard environment.optional("CLIENT_TLS_LISTEN") != nil else { return nil }
        let files = TLSConfiguration(
            certificateFile: try environment.required(
                "CLIENT_TLS_CERT",
                example: "/certs/shop.pem"
            ),
            keyFile: try environment.required("CLIENT_TLS_KEY", example: "/certs/shop.key"),
            caFile: nil,
            requirePeer: false,
            sitesFolder: environment.optional("CLIENT_TLS_SITES")
        )
        return (try environment.hostAndPort("CLIENT_TLS_LISTEN"), files)
    }

    private static func level(_ environment: Environment) throws(ConfigurationError) -> LogLevel {
        guard let text = environment.optional("LOG_LEVEL") else { return .info }
        guard let level = LogLevel(name: text) else {
            let names = LogLevel.allCases.map(\.name).joined(separator: ", ")
            throw ConfigurationError("LOG_LEVEL", "is '\(text)', none of \(names)", example: "info")
        }
        return level
    }

    /// What the process shows other processes; nil when it speaks to none of the platform's.
    private static func certificates(
        _ environment: Environment,
        _ transport: Transport
    ) throws(ConfigurationError) -> TLSConfiguration? {
        switch transport {
        case .plain: return nil
        case .plainOutside where environment.optional("TLS_CERT") == nil: return nil
        case .plainOutside, .mutualTLS: break
        }
        return TLSConfiguration(
            certificateFile: try environment.required("TLS_CERT", example: "/certs/order.pem"),
            keyFile: try environment.required("TLS_KEY", example: "/certs/order.key"),
            caFile: try environment.required("TLS_CA", example: "/certs/ca.pem"),
            requirePeer: true
        )
    }

    private static var processors: Int { max(1, min(64, Processors.online)) }
}

/// What the service port speaks.
public enum Transport: Sendable {
    /// TLS 1.3 with a certificate on both sides: between the platform's own processes.
    case mutualTLS
    /// Plain HTTP towards clients, mutual TLS towards the platform's processes: the gateway. Without
    /// `TLS_CERT` it speaks to none of them.
    case plainOutside
    /// Plain HTTP: the payment provider, which is not ours.
    case plain
}
