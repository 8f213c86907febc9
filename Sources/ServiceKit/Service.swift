internal import Glibc
internal import HTTP
internal import Reactor
internal import Synchronization
internal import Telemetry

/// The one way a process of the platform starts, runs and stops.
public enum Service {
    /// Runs a service until SIGTERM or SIGINT and ends the process; SIGHUP makes it read its files again.
    ///
    /// With the word `health` behind its name the program asks a running process of the same environment
    /// instead, and ends with 0 if that is ready, else with 1: a container needs nothing else for it.
    ///
    /// The exit code is 0 after a stop that was asked for, 78 when a setting cannot be used (one line
    /// on standard error names it), and 1 when something else went wrong.
    ///
    /// - Parameters:
    ///   - name: the service's name and identity.
    ///   - transport: what its service port speaks.
    ///   - wire: puts the service together; requests are served once it has returned.
    public static func run(
        _ name: String,
        transport: Transport = .mutualTLS,
        _ wire: @escaping @Sendable (Boot) async throws -> Void
    ) -> Never {
        if CommandLine.arguments.dropFirst().elementsEqual(["health"]) {
            exit(HealthQuestion.exitCode(name, .process()))
        }
        do {
            let signals = try Signals([SIGTERM, SIGINT, SIGHUP])
            let environment = Environment.process()
            let settings = try ServiceSettings(environment, service: name, transport: transport)
            let log = Logger(
                service: name,
                instance: settings.instance,
                level: settings.logLevel,
                format: settings.logFormat
            )
            let loops = try EventLoopGroup(count: settings.eventLoops)
            let runtime = try ServiceRuntime(
                name: name,
                settings: settings,
                environment: environment,
                loops: loops,
                log: log
            )
            let code = try loops.runBlocking { await runtime.run(until: signals, wire) }
            _ = log.flush()
            exit(code)
        } catch {
            fail(name, error)
        }
    }

    /// Says on standard error, in one line, why the process cannot run.
    static func fail(_ name: String, _ error: any Error) -> Never {
        let line = Array("\(name): \(error)\n".utf8)
        // Safe: the array is lent for the length of the call.
        _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
        exit(exitCode(for: error))
    }

    /// 78 (EX_CONFIG of sysexits) for settings, 1 for the rest.
    static func exitCode(for error: any Error) -> Int32 {
        error is ConfigurationError ? 78 : 1
    }
}
