internal import HTTP
internal import Reactor

/// How long a client wants to wait for an order's fate: `Prefer: wait=5`, `Prefer: respond-async`
/// (RFC 7240).
///
/// A preference that makes no sense is ignored, as the RFC asks.
enum WaitPreference {
    /// Without a preference.
    static let standard = Duration.seconds(5)
    /// However much a client would wait.
    static let longest = Duration.seconds(10)
    /// How long before the caller's time is up an answer is given, so that it gets there.
    static let margin = Duration.milliseconds(500)

    /// How long to wait for `request`: what it prefers, or what its caller's deadline leaves of that.
    ///
    /// Whoever waits longer is given up, and asked for again elsewhere, without having said what it knows.
    static func of(_ request: Request, until deadline: Deadline = .current) -> Duration {
        min(preferred(request), max(.zero, deadline.remaining - margin))
    }

    private static func preferred(_ request: Request) -> Duration {
        let preferences = request.headers.all(.prefer)
            .flatMap { $0.split(separator: ",") }
            .map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
        for preference in preferences {
            if preference == "respond-async" { return .zero }
            if preference.hasPrefix("wait="), let seconds = Int64(preference.dropFirst(5)),
                seconds >= 0
            {
                return min(.seconds(min(seconds, 3600)), longest)
            }
        }
        return standard
    }
}
