internal import HTTP

/// For how long an answer may be used, and on what terms (RFC 9111 section 4.2, RFC 5861).
struct Freshness: Sendable, Equatable {
    /// Seconds from its making on.
    var lifetime: Int64 = 0
    /// Seconds beyond that in which it may be given while the origin is asked.
    var staleWhileRevalidate: Int64 = 0
    /// Seconds beyond that in which it stands in for an origin that fails.
    var staleIfError: Int64 = 0
    /// Whether it may never be given once it is stale.
    var forbidsStale = false
    /// Whether the origin must be asked each time.
    var mustValidate = false
}

/// How old an answer is (RFC 9111 section 4.2.3), by a clock that nobody sets.
struct ResponseAge: Sendable, Equatable {
    /// Nanoseconds that it was old when it arrived.
    let initial: Int64
    /// When it arrived, in nanoseconds of the monotonic clock.
    let arrived: Int64

    /// - Parameters:
    ///   - requested: when it was asked for, and `arrived` when it came: of the monotonic clock, in
    ///     nanoseconds.
    ///   - ageFields: values of `Age`.
    ///   - date: what `Date` says, and `now` what our clock said when it arrived.
    init(
        requested: Int64,
        arrived: Int64,
        ageFields: [String],
        date: HTTPTime,
        now: HTTPTime
    ) {
        self.arrived = arrived
        let apparent = max(0, now.seconds - date.seconds)
        let told = Self.seconds(ageFields)
        let delay = max(0, arrived - requested)
        initial = max(Self.nanoseconds(apparent), Self.nanoseconds(told) + delay)
    }

    init(initial: Int64, arrived: Int64) {
        self.initial = initial
        self.arrived = arrived
    }

    /// Nanoseconds that it is old at a time of the monotonic clock.
    func nanoseconds(at now: Int64) -> Int64 { initial + max(0, now - arrived) }

    /// The first member of the first line counts; what is no number is not there (section 5.1).
    private static func seconds(_ fields: [String]) -> Int64 {
        let first = fields.lazy.flatMap { CacheDirectives.members(of: $0) }.first
        return first.flatMap { CacheDirectives.seconds(String($0)) } ?? 0
    }

    static func nanoseconds(_ seconds: Int64) -> Int64 {
        min(seconds, 1 << 32) * 1_000_000_000
    }
}

/// What becomes of a request for which an answer is kept.
enum CacheDecision: Sendable, Equatable {
    /// It is given.
    case serve
    /// It is given, and asked for anew meanwhile.
    case serveAndRefresh
    /// The origin is asked, for this reason.
    case forward(CacheStatus.Forward)

    /// - Parameters:
    ///   - age: how old the answer is, in nanoseconds.
    ///   - isOutdated: whether an event has told since that there is something newer.
    static func of(
        _ freshness: Freshness,
        age: Int64,
        isOutdated: Bool,
        _ wishes: RequestDirectives
    ) -> CacheDecision {
        if wishes.noCache { return .forward(.request) }
        if freshness.mustValidate { return .forward(.stale) }
        if let maxAge = wishes.maxAge, age > ResponseAge.nanoseconds(maxAge) {
            return .forward(.request)
        }
        let left = ResponseAge.nanoseconds(freshness.lifetime) - age
        if left > 0, !isOutdated {
            guard let minFresh = wishes.minFresh, left < ResponseAge.nanoseconds(minFresh) else {
                return .serve
            }
            return .forward(.request)
        }
        guard !freshness.forbidsStale, !isOutdated else { return .forward(.stale) }
        if let maxStale = wishes.maxStale {
            return -left <= ResponseAge.nanoseconds(maxStale) ? .serve : .forward(.stale)
        }
        guard wishes.maxAge == nil, wishes.minFresh == nil,
            -left < ResponseAge.nanoseconds(freshness.staleWhileRevalidate)
        else { return .forward(.stale) }
        return .serveAndRefresh
    }

    /// Whether a stale answer may stand in for an origin that has failed (RFC 5861 section 4).
    static func standsIn(
        _ freshness: Freshness,
        age: Int64,
        _ wishes: RequestDirectives
    ) -> Bool {
        guard !freshness.forbidsStale, !freshness.mustValidate, !wishes.noCache else {
            return false
        }
        let staleness = age - ResponseAge.nanoseconds(freshness.lifetime)
        let allowed = max(freshness.staleIfError, wishes.staleIfError ?? 0)
        return allowed > 0 && staleness <= ResponseAge.nanoseconds(allowed)
    }

    /// Whether an answer of this status is such a failure.
    static func isFailure(_ status: Status) -> Bool {
        [500, 502, 503, 504].contains(status.code)
    }
}
