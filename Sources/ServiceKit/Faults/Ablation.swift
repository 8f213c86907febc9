public import Contracts
public import Mesh

/// Which guards this process does without, to show what each of them prevents.
///
/// None, unless `ABLATE` names some and `FAULTS=on` allows it. It is read once; whoever holds a guard is
/// handed what it needs to know as a value when the process is put together.
public struct Ablation: Sendable, Equatable {
    private let missing: Set<Guard>

    /// A process without these.
    public init(_ missing: Set<Guard> = []) { self.missing = missing }

    /// Reads `ABLATE`, a list such as `retries,breaker`.
    ///
    /// - Throws: when it names something that is no guard, or anything at all without `FAULTS=on`.
    init(_ environment: Environment, takesFaults: Bool) throws(ConfigurationError) {
        let text = environment.optional("ABLATE") ?? ""
        guard takesFaults || text.isEmpty else {
            throw ConfigurationError(
                "ABLATE",
                "is '\(text)', which takes guards away and needs FAULTS=on as well; unset it where "
                    + "customers are served",
                example: "'' or FAULTS=on ABLATE=\(text)"
            )
        }
        var missing: Set<Guard> = []
        for word in text.split(separator: ",") {
            guard let known = Guard(rawValue: String(word)) else {
                throw ConfigurationError(
                    "ABLATE",
                    "names '\(word)', none of "
                        + Guard.allCases.map(\.rawValue).joined(separator: ", "),
                    example: "retries,breaker"
                )
            }
            missing.insert(known)
        }
        self.init(missing)
    }

    /// Whether this process does without the guard.
    public func lacks(_ part: Guard) -> Bool { missing.contains(part) }

    /// The names of what is missing, sorted.
    var names: [String] { missing.map(\.rawValue).sorted() }
}

extension MeshPolicy {
    /// The policy without the guards that are taken away.
    public func without(_ ablation: Ablation) -> MeshPolicy {
        var policy = self
        if ablation.lacks(.retries) { policy.retriesCalls = false }
        if ablation.lacks(.retryBudget) { policy.retryBudget.minimum = .max }
        if ablation.lacks(.breaker) { policy.breaker.neverOpen() }
        return policy
    }
}

extension CircuitBreaker.Policy {
    /// Waits for more calls than there can be before it judges them.
    public mutating func neverOpen() { minimumCalls = .max }
}
