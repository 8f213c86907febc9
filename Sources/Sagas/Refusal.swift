/// Why a saga was given up: a participant's definite no, or the deadline.
public struct Refusal: Hashable, Sendable {
    /// A short name that programs can tell apart: `out-of-stock`, `card-declined`, `timed-out`.
    public let reason: String
    /// What else the participant said, as JSON text; `{}` when nothing.
    public let detail: String

    /// A definite no.
    public init(reason: String, detail: String = "{}") {
        self.reason = reason
        self.detail = detail
    }

    /// The saga's deadline passed before its pivot.
    public static let timedOut = Refusal(reason: "timed-out")
}
