internal import HTTP

/// How long a client wants to wait for an order's fate: `Prefer: wait=5`, `Prefer: respond-async`
/// (RFC 7240).
///
/// A preference that makes no sense is ignored, as the RFC asks.
enum WaitPreference {
    /// Without a preference.
    static let standard = Duration.seconds(5)
    /// However much a client would wait.
    static let longest = Duration.seconds(10)

    /// What `request` prefers.
    static func of(_ request: Request) -> Duration {
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
