internal import FoundationEssentials
internal import HTTP
internal import Identity
internal import Reactor
internal import Telemetry

/// Counts requests against the limits of one group: of users, addresses and accounts.
struct RequestLimiter: Sendable {
    private let name: String
    /// Whether contents say whom a request is counted against.
    let isByAccount: Bool
    private let users: BucketTable<UUID>
    private let addresses: BucketTable<SocketAddress>
    private let accounts: BucketTable<UUID>
    private let gateways: LiveGateways
    private let refused: Family<Counter>

    init(
        _ name: String,
        _ group: LimitGroup,
        gateways: LiveGateways = LiveGateways(),
        metrics: Metrics
    ) {
        self.name = name
        self.gateways = gateways
        isByAccount = group.subject == .account
        users = BucketTable(group.user)
        addresses = BucketTable(group.address)
        accounts = BucketTable(group.user)
        refused = metrics.counters(
            "gateway_rate_limited_total",
            "Requests refused by a rate limit.",
            labels: ["limit"]
        )
    }

    /// The tables in use, by what they count, for those who look.
    var tables: [String: LimitsView.Table] {
        let last: (String, LimitsView.Table) =
            isByAccount ? ("account", .init(accounts)) : ("user", .init(users))
        return ["address": .init(addresses), last.0: last.1]
    }

    /// Counts a request of a user.
    ///
    /// - Throws: 429 when there were too many.
    func count(user: UUID) throws(Problem) -> Standing {
        try check(
            users.take(user, gateways: gateways.count, at: now),
            users.policy,
            label("user")
        )
    }

    /// Counts a request from an address; as ``count(user:)``.
    func count(address: SocketAddress) throws(Problem) -> Standing {
        try check(
            addresses.take(
                address.network,
                gateways: gateways.count,
                at: now
            ),
            addresses.policy,
            label("address")
        )
    }

    /// Counts a request that names an account, from an address; nil when the content names none.
    func count(account: String?, from address: SocketAddress) throws(Problem) -> Standing {
        let key = Self.key((account ?? "").lowercased() + "\n" + address.network.hostText)
        return try check(
            accounts.take(key, gateways: gateways.count, at: now),
            accounts.policy,
            name
        )
    }

    /// Sixteen bytes that stand for a text: how long a name is must not decide how much is kept.
    private static func key(_ text: String) -> UUID {
        var bytes = SHA256.hash(text).makeIterator()
        func next() -> UInt8 { bytes.next() ?? 0 }
        return UUID(
            uuid: (
                next(), next(), next(), next(), next(), next(), next(), next(),
                next(), next(), next(), next(), next(), next(), next(), next()
            )
        )
    }

    /// What clients and metrics call a limit: the usual group goes without its name.
    private func label(_ subject: String) -> String {
        name == LimitGroup.client ? subject : "\(name)-\(subject)"
    }

    private var now: Int64 { Int64(clamping: Deadline.now.nanoseconds) }

    private func check(
        _ decision: TokenBucket.Decision,
        _ policy: TokenBucket.Policy,
        _ name: String
    ) throws(Problem) -> Standing {
        let standing = Standing(decision: decision, policy: policy, name: name)
        guard !decision.isAllowed else { return standing }
        refused.with(name).increment()
        var problem = Problem(
            .tooManyRequests,
            "rate-limited",
            detail: "more than \(policy.quota) requests in \(Standing.seconds(policy.span)) s"
        )
        standing.add(to: &problem.headers)
        problem.headers[.retryAfter] = String(max(1, Standing.seconds(decision.retryNanoseconds)))
        throw problem
    }
}
