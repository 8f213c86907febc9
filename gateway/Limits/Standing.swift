internal import HTTP

/// Where a client stands with its limit: what a response tells of it.
struct Standing: Sendable {
    let decision: TokenBucket.Decision
    let policy: TokenBucket.Policy
    /// What clients call the limit.
    let name: String

    /// Adds `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    func add(to headers: inout Headers) {
        headers.add(Names.policy) { value in
            line(";q=", policy.quota, ";w=", Self.seconds(policy.span), to: &value)
        }
        headers.add(Names.state) { value in
            line(
                ";r=",
                decision.remaining,
                ";t=",
                Self.seconds(decision.resetNanoseconds),
                to: &value
            )
        }
    }

    private enum Names {
        static let policy: HeaderName = "ratelimit-policy"
        static let state: HeaderName = "ratelimit"
    }

    /// `"name";q=1000;w=1`.
    private func line(
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

    /// Whole seconds, rounded up: nobody should come back too early.
    static func seconds(_ nanoseconds: Int64) -> Int64 {
        nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 > 0 ? 1 : 0)
    }
}
