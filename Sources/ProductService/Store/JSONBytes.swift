internal import FoundationEssentials
internal import Postgres

/// A value of our own as JSON for a statement.
struct JSONBytes {
    let text: JSONText

    /// Encodes `value`; our values hold nothing that JSON cannot, infinite numbers included, since
    /// they were decoded from JSON or written by hand.
    init(_ value: some Encodable) {
        do {
            text = try JSONText(encoding: value)
        } catch {
            preconditionFailure("\(type(of: value)) cannot be encoded: \(error)")
        }
    }
}
