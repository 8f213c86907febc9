/// How many event streams there may be, such as `GET /notifications/stream`.
public enum EventStreamLimit {
    /// The most that one process of a service has open.
    ///
    /// Whoever passes them on needs room for as many connections to it, beside those of other calls.
    public static let perProcess = 512
}
