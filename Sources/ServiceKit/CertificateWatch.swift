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
