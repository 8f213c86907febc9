internal import HTTP

/// Whether an answer may be kept, and for whom and how long (RFC 9111 section 3).
struct Storability: Sendable, Equatable {
    let freshness: Freshness
    let variant: Variant
    /// Fields that may not be kept with it.
    let omitted: Set<String>

    /// Nil when it may not be kept, or if that would serve nobody.
    ///
    /// - Parameters:
    ///   - request: the fields of the request; `wishes` what they say about caches.
    ///   - date: when the answer was made.
    init?(
        _ status: Status,
        _ headers: Headers,
        request: Headers,
        wishes: RequestDirectives,
        policy: CachePolicy,
        date: HTTPTime
    ) {
        guard !wishes.noStore, status.code >= 200, status.code != 206, status != .notModified,
            headers[.contentType]?.lowercased().hasPrefix("text/event-stream") != true,
            let variant = Variant(headers, of: request)
        else { return nil }
        let targeted = CacheDirectives(targeted: headers.all("cdn-cache-control"))
        let control = targeted ?? CacheDirectives(headers.all(.cacheControl))
        let omitted = Self.omitted(control)
        guard Self.mayKeep(status, control, isAuthorized: request.contains(.authorization)),
            // What sets one client's cookie is not for others, unless the origin says how.
            omitted.contains("set-cookie") || !headers.contains("set-cookie")
        else { return nil }
        let lifetime = Self.lifetime(status, headers, control, targeted != nil, policy, date)
        let freshness = Self.freshness(lifetime ?? 0, control, policy)
        let hasValidator = headers.contains(.etag) || headers.contains("last-modified")
        // Kept for nothing if nobody could ever be given it.
        guard lifetime != nil || (hasValidator && Self.isCacheableByDefault(status)),
            hasValidator || (freshness.lifetime > 0 && !freshness.mustValidate)
                || freshness.staleIfError > 0 || freshness.staleWhileRevalidate > 0
        else { return nil }
        self.freshness = freshness
        self.variant = variant
        self.omitted = omitted
    }

    private static func omitted(_ control: CacheDirectives) -> Set<String> {
        Set((control.fields("private") ?? []) + (control.fields("no-cache") ?? []))
    }

    private static func mayKeep(
        _ status: Status,
        _ control: CacheDirectives,
        isAuthorized: Bool
    ) -> Bool {
        if control.contains("must-understand") {
            guard isUnderstood(status) else { return false }
        } else if control.contains("no-store") {
            return false
        }
        guard !control.isUnqualified("private") else { return false }
        return !isAuthorized || control.contains("public") || control.contains("s-maxage")
            || control.contains("must-revalidate")
    }

    /// What the origin says, or else the policy; nil when neither does.
    private static func lifetime(
        _ status: Status,
        _ headers: Headers,
        _ control: CacheDirectives,
        _ isTargeted: Bool,
        _ policy: CachePolicy,
        _ date: HTTPTime
    ) -> Int64? {
        for name in ["s-maxage", "max-age"] where control.contains(name) {
            // A number that cannot be read makes the answer stale (section 4.2.1).
            return control.seconds(name) ?? 0
        }
        if !isTargeted, let expires = headers["expires"] {
            return HTTPTime(expires).map { max(0, $0.seconds - date.seconds) } ?? 0
        }
        guard isCacheableByDefault(status) || control.contains("public") else { return nil }
        if let standard = policy.defaultTTL { return standard }
        guard policy.guesses, let modified = headers["last-modified"].flatMap({ HTTPTime($0) })
        else { return control.contains("no-cache") ? 0 : nil }
        return min(max(0, date.seconds - modified.seconds) / 10, 86_400)
    }

    private static func freshness(
        _ lifetime: Int64,
        _ control: CacheDirectives,
        _ policy: CachePolicy
    ) -> Freshness {
        let mustValidate = control.isUnqualified("no-cache")
        let forbidsStale =
            mustValidate || control.contains("must-revalidate")
            || control.contains("proxy-revalidate") || control.contains("s-maxage")
        guard !forbidsStale else {
            return Freshness(lifetime: lifetime, forbidsStale: true, mustValidate: mustValidate)
        }
        return Freshness(
            lifetime: lifetime,
            staleWhileRevalidate: control.seconds("stale-while-revalidate")
                ?? policy.staleWhileRevalidate ?? 0,
            staleIfError: control.seconds("stale-if-error") ?? policy.staleIfError ?? 0
        )
    }

    /// RFC 9110 section 15.1, but for 206, which is never kept.
    private static func isCacheableByDefault(_ status: Status) -> Bool {
        [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501].contains(status.code)
    }

    /// Whether this cache does what the status asks of caches, which is nothing special for any of them.
    private static func isUnderstood(_ status: Status) -> Bool { !status.reason.isEmpty }
}
