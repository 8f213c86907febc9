/// One of the eight fallacies of distributed computing, shown to be one.
struct Fallacy: Sendable {
    /// Its usual number.
    let number: Int
    /// What is believed.
    let belief: String
    /// Shows it; whether what was expected came true.
    let run: @Sendable (Stage) async throws -> Bool

    /// Those that can be run.
    static let all: [Fallacy] = [
        reliable, zeroLatency, endlessBandwidth, secure, stableTopology, oneAdministrator,
        freeTransport,
        homogeneous,
    ]
}
