internal import Contracts
internal import Sagas
internal import ServiceKit

/// What the order service reads from its environment, besides what every service does.
struct OrderConfiguration: Sendable {
    /// Orders that have not reached their pivot by then are given up.
    let checkoutDeadline: Duration
    /// How long a checkout may wait for others that come close behind the last ones.
    let gathering: Duration
    /// The folder of the journals that save orders while the database is out of reach; nil for none.
    let journalFolder: String?
    /// How large one replica's journal may become.
    let journalMaxBytes: Int
    /// How sagas are driven: `SAGA_LEASE`, `SAGA_POLL` and `SAGA_PARKING`.
    let sagas: SagaPolicy

    init(
        _ environment: Environment,
        without ablation: Ablation = Ablation()
    ) throws(ConfigurationError) {
        checkoutDeadline = try environment.duration("CHECKOUT_DEADLINE", default: .seconds(30))
        gathering = try environment.duration("CHECKOUT_GATHERING", default: .milliseconds(24))
        journalFolder = environment.optional("JOURNAL_DIR")
        journalMaxBytes = try environment.integer(
            "JOURNAL_MAX_BYTES",
            in: 65_536...1_073_741_824,
            default: 64 << 20
        )
        var policy = SagaPolicy()
        policy.lease = try environment.duration("SAGA_LEASE", default: policy.lease)
        policy.pollInterval = try environment.duration("SAGA_POLL", default: policy.pollInterval)
        policy.longestParking = try environment.duration(
            "SAGA_PARKING",
            default: policy.longestParking
        )
        policy.isFenced = !ablation.lacks(.fencing)
        sagas = policy
    }
}
