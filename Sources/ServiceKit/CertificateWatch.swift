internal import Reactor
internal import Telemetry

/// Reads certificates again soon after their files were replaced.
///
/// Connections that are open keep what they were made with; new ones get the new certificates.
struct CertificateWatch: Sendable {
    /// The contexts, each by the name its log lines give it.
    let contexts: [(name: String, context: TLSContext)]
    let log: Logger
    var interval = Duration.seconds(5)

    /// Shows how long the certificates are good for, those that are read later included.
    ///
    /// - Parameter now: seconds since 1970.
    func show(in metrics: Metrics, now: @escaping @Sendable () -> Int64 = { ProcessClock.seconds })
    {
        guard !contexts.isEmpty else { return }
        metrics.collect(
            "tls_certificate_expires_in_seconds",
            "Time until the first of this process's own certificates ends; negative when it has.",
            labels: ["use"]
        ) { [contexts] in
            contexts.compactMap { name, context in
                context.certificateEnd.map { Sample([name], Double($0 - now())) }
            }
        }
    }

    /// Looks every few seconds until the task is cancelled.
    func run() async {
        var failures: [String: String] = [:]
        while !Task.isCancelled {
            do { try await EventLoop.sleep(for: interval) } catch { return }
            for (name, context) in contexts { check(name, context, &failures) }
        }
    }

    /// Files half replaced fail now and succeed the next time; each reason is said once.
    private func check(_ name: String, _ context: TLSContext, _ failures: inout [String: String]) {
        do throws(TLSError) {
            guard try context.reloadIfChanged() else { return }
            failures[name] = nil
            log.info("certificates read again", ["for": .string(name)])
        } catch {
            let reason = "\(error)"
            guard failures.updateValue(reason, forKey: name) != reason else { return }
            log.warning(
                "certificates cannot be read, the old ones stay in use",
                ["for": .string(name), "reason": .string(reason)]
            )
        }
    }
}
