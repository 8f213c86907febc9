internal import HTTP
internal import Identity
internal import Mesh
internal import Reactor
internal import Synchronization
internal import Telemetry

/// Tells genuine access tokens from others, with keys that the user service publishes.
///
/// Keys at hand stay good while the user service is away. A token's signature is checked once; its
/// times are checked at every use.
final class TokenGate: Sendable {
    /// Where keys come from: the content of a JWK Set, or nil when it cannot be had.
    typealias Source = @Sendable () async -> [UInt8]?

    private struct Keys {
        var verifier: TokenVerifier?
        var names: Set<String> = []
        var refresh = KeyRefresh()
        /// The look that is under way: others wait for it rather than making their own.
        var fetching: OneShot<Bool>?
    }

    /// Nil while no route looks at tokens.
    private let source: Mutex<Source?>
    /// Which sessions have ended although their tokens have not.
    let sessions: SessionWatch
    private let log: Logger
    private let keys = Mutex(Keys())
    private let verified = VerifiedTokens()
    private let results: Family<Counter>
    private let hits: Counter
    private let now: @Sendable () -> Int64

    init(
        source: Source?,
        log: Logger,
        metrics: Metrics,
        now: @escaping @Sendable () -> Int64 = { ProcessClock.seconds }
    ) {
        self.source = Mutex(source)
        self.log = log
        self.now = now
        sessions = SessionWatch(log: log, metrics: metrics, now: now)
        results = metrics.counters(
            "gateway_tokens_total",
            "Access tokens by result.",
            labels: ["result"]
        )
        hits = results.with("cached")
    }

    /// A gate that knows no keys until it is told where they are.
    convenience init(log: Logger, metrics: Metrics) {
        self.init(source: nil, log: log, metrics: metrics)
    }

    /// From now on fetches keys from this upstream; those at hand stay until it has answered.
    ///
    /// A fetch is not tried again but made again soon: while an upstream starts, a few fetches would
    /// use up the retries that customers' requests may need right after.
    func look(at upstream: Upstream, _ path: String) {
        source.withLock { source in
            source = {
                let request = ClientRequest(.get, path)
                let options = CallOptions(isIdempotent: true, retries: 0)
                guard let response = try? await upstream.call(request, options),
                    response.status == .ok
                else { return nil }
                return try? await response.body(limit: 65_536)
            }
        }
    }

    /// Keeps the keys fresh until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            var wait = Duration.milliseconds(100)
            if source.withLock({ $0 != nil }) {
                let succeeded = await fetch()
                wait = keys.withLock { $0.refresh.fetched(succeeded) }
            }
            do { try await EventLoop.sleep(for: wait) } catch { return }
        }
    }

    /// The claims of a genuine, valid token whose signature was checked before; nil for any other.
    func known(_ token: Span<UInt8>) -> AccessClaims? {
        guard token.count <= AccessToken.maximumBytes else { return nil }
        return cached(SHA256.digest(token))
    }

    /// The claims of a genuine, valid token.
    ///
    /// - Throws: 401 for any other, without saying why; 503 while no key is known at all, or not yet
    ///   which sessions have ended.
    func claims(of token: String) async throws(Problem) -> AccessClaims {
        guard token.utf8.count <= AccessToken.maximumBytes else { throw refuse("malformed") }
        let digest = SHA256.digest(token.utf8Span.span)
        if let claims = cached(digest) { return claims }
        let claims = try await genuine(token, digest)
        if sessions.verdict(claims) == .unknown { await sessions.firstList() }
        switch sessions.verdict(claims) {
        case .goesOn: return claims
        case .hasEnded: throw refuse("session ended")
        case .unknown: throw notYet("no sessions")
        }
    }

    /// The claims of a genuine token, whatever became of its session.
    private func genuine(
        _ token: String,
        _ digest: SHA256.Digest
    ) async throws(Problem) -> AccessClaims {
        do throws(TokenError) {
            return try verify(token, digest)
        } catch .unknownKey {
            guard await refreshForUnknownKey() else { throw noKeysYet() ?? refuse("unknown key") }
            do throws(TokenError) {
                return try verify(token, digest)
            } catch {
                throw noKeysYet() ?? refuse(Self.label(error))
            }
        } catch {
            throw refuse(Self.label(error))
        }
    }

    /// Waits until a token with these claims is refused: its session has ended, or its time is over.
    ///
    /// Returns early when the task is cancelled.
    func end(of claims: AccessClaims) async {
        let left = claims.expiresAt + AccessToken.leeway.components.seconds - now()
        let expiry = Deadline.after(.seconds(max(0, left)))
        await sessions.listening(to: claims) { _ = await $0.hasEnded.wait(until: expiry) }
    }

    private func cached(_ digest: SHA256.Digest) -> AccessClaims? {
        guard let claims = verified.find(digest) else { return nil }
        guard let verifier = keys.withLock({ $0.verifier }),
            (try? verifier.check(claims, now: now())) != nil
        else {
            verified.remove(digest)
            return nil
        }
        // What was verified once must not outlive its session.
        guard sessions.verdict(claims) == .goesOn else { return nil }
        hits.increment()
        return claims
    }

    private func verify(_ token: String, _ digest: SHA256.Digest) throws(TokenError) -> AccessClaims
    {
        guard let verifier = keys.withLock({ $0.verifier }) else { throw .unknownKey("") }
        let now = now()
        let claims = try verifier.verify(token, now: now)
        verified.insert(digest, claims, now: now)
        results.with("verified").increment()
        return claims
    }

    /// A client is told no more than RFC 6750 section 3.1 asks for; the reason is for metrics.
    private func refuse(_ reason: String) -> Problem {
        results.with(reason).increment()
        return Problem(
            .unauthorized,
            "invalid-token",
            detail: "the access token is not valid",
            headers: [.wwwAuthenticate: #"Bearer error="invalid_token""#]
        )
    }

    private func noKeysYet() -> Problem? {
        guard keys.withLock({ $0.verifier == nil }) else { return nil }
        return notYet("no keys")
    }

    private func notYet(_ reason: String) -> Problem {
        results.with(reason).increment()
        return .unavailable("tokens cannot be checked at the moment", retryAfter: .seconds(1))
    }

    private static func label(_ error: TokenError) -> String {
        switch error {
        case .malformed: "malformed"
        case .unknownKey: "unknown key"
        case .badSignature: "bad signature"
        case .expired: "expired"
        case .notYetValid: "not yet valid"
        case .badClaims: "bad claims"
        }
    }

    // MARK: Keys

    /// Looks for new keys if it is time; returns whether it is worth verifying again.
    private func refreshForUnknownKey() async -> Bool {
        let now = Duration.nanoseconds(Int64(clamping: Deadline.now.nanoseconds))
        let mayFetch = keys.withLock { $0.fetching != nil || $0.refresh.mayAsk(at: now) }
        return mayFetch ? await fetch() : false
    }

    /// Fetches the key set, or waits for the fetch under way; returns whether it succeeded.
    private func fetch() async -> Bool {
        let mine = OneShot<Bool>()
        let underWay = keys.withLock { keys -> OneShot<Bool>? in
            if let fetching = keys.fetching { return fetching }
            keys.fetching = mine
            return nil
        }
        if let underWay { return await underWay.wait(until: .after(.seconds(2))) ?? false }
        let ask = source.withLock { $0 }
        let succeeded = take(await ask?())
        keys.withLock { $0.fetching = nil }
        mine.resolve(succeeded)
        return succeeded
    }

    private func take(_ document: [UInt8]?) -> Bool {
        guard let document else {
            log.warning("the signing keys cannot be fetched")
            return false
        }
        guard let set = try? KeySet(json: document), !set.keys.isEmpty else {
            log.error("the user service's key set is not usable")
            return false
        }
        let names = Set(set.keys.map(\.id))
        let lost = keys.withLock { keys in
            defer { keys.names = names }
            keys.verifier = TokenVerifier(keys: set.keys)
            return !keys.names.isSubset(of: names)
        }
        if lost { verified.removeAll() }
        return true
    }
}
