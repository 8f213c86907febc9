internal import HTTP

/// What a request says about answers from a cache (RFC 9111 section 5.2.1).
struct RequestDirectives: Sendable, Equatable {
    /// No answer without the origin's word for it.
    var noCache = false
    /// Nothing of this exchange may be kept.
    var noStore = false
    /// Rather 504 than a call to the origin.
    var onlyIfCached = false
    /// The oldest answer that is welcome.
    var maxAge: Int64?
    /// How much longer it must be fresh.
    var minFresh: Int64?
    /// By how much it may be stale.
    var maxStale: Int64?
    /// By how much it may be stale when the origin fails (RFC 5861 section 4).
    var staleIfError: Int64?

    init() {}

    init(_ headers: Headers) {
        guard headers.contains(.cacheControl) else {
            // What HTTP/1.0 had instead (RFC 9111 section 5.4).
            noCache = headers.lists("no-cache", in: "pragma")
            return
        }
        let directives = CacheDirectives(headers.all(.cacheControl))
        noCache = directives.contains("no-cache")
        noStore = directives.contains("no-store")
        onlyIfCached = directives.contains("only-if-cached")
        maxAge = directives.seconds("max-age")
        minFresh = directives.seconds("min-fresh")
        maxStale = directives.seconds("max-stale")
        if directives.contains("max-stale"), directives.argument("max-stale") == nil {
            maxStale = .max
        }
        staleIfError = directives.seconds("stale-if-error")
    }
}
