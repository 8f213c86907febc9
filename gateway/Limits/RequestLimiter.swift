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
    private let addresses: BucketTable<String>
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

    /// Counts a request of a user; returns the fields that tell of the limit.
    ///
    /// - Throws: 429 when there were too many.
    func count(user: UUID) throws(Problem) -> Headers {
        try check(
            users.take(user, gateways: gateways.count, at: now),
            users.policy,
            label("user")
        )
    }

    /// Counts a request from an address; as ``count(user:)``.
    func count(address: SocketAddress) throws(Problem) -> Headers {
        try check(
            addresses.take(
                Self.network(address.hostText),
                gateways: gateways.count,
                at: now
            ),
            addresses.policy,
            label("address")
        )
    }

    /// Counts a request that names an account, from an address; nil when the content names none.
    func count(account: String?, from address: SocketAddress) throws(Problem) -> Headers {
        let key = Self.key((account ?? "").lowercased() + "\n" + Self.network(address.hostText))
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
    ) throws(Problem) -> Headers {
        let headers = Self.headers(decision, policy, name)
        guard !decision.isAllowed else { return headers }
        refused.with(name).increment()
        var problem = Problem(
            .tooManyRequests,
            "rate-limited",
            detail: "more than \(policy.quota) requests in \(Self.seconds(policy.span)) s"
        )
        problem.headers = headers
        problem.headers[.retryAfter] = String(max(1, Self.seconds(decision.retryNanoseconds)))
        throw problem
    }

    /// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    static func headers(
        _ decision: TokenBucket.Decision,
        _ policy: TokenBucket.Policy,
        _ name: String
    ) -> Headers {
        var headers = Headers()
        headers.reserve(fields: 2, bytes: 128)
        headers.add(Names.policy) { value in
            line(name, ";q=", policy.quota, ";w=", seconds(policy.span), to: &value)
        }
        headers.add(Names.state) { value in
            line(
                name,
                ";r=",
                decision.remaining,
                ";t=",
                seconds(decision.resetNanoseconds),
                to: &value
            )
        }
        return headers
    }

    private enum Names {
        static let policy: HeaderName = "ratelimit-policy"
        static let state: HeaderName = "ratelimit"
    }

    /// `"name";q=1000;w=1`.
    private static func line(
        _ name: String,
        _ first: String,
        _ number: Int,
        _ second: String,
        _ time: Int64,
        to value: inout FieldValue
    ) {
        value.append("\"")
        value.append(name)
        value.append("\"")
        value.append(first)
        value.append(max(0, number))
        value.append(second)
        value.append(max(0, Int(clamping: time)))
    }

    /// Whom an address stands for: itself, or the /64 that an IPv6 subscriber has to himself.
    static func network(_ host: String) -> String {
        guard host.contains(":"), !host.contains(".") else { return host }
        let parts = host.split(separator: ":", omittingEmptySubsequences: false)
        let gap = parts.firstIndex(of: "") ?? parts.endIndex
        let known = parts.count { !$0.isEmpty }
        let groups =
            parts[..<gap] + Array(repeating: "0", count: max(0, 8 - known))
            + parts[gap...].filter { !$0.isEmpty }
        return groups.prefix(4).joined(separator: ":")
    }

    /// Whole seconds, rounded up: nobody should come back too early.
    private static func seconds(_ nanoseconds: Int64) -> Int64 {
        nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 > 0 ? 1 : 0)
    }
}
