/// What a route lets its answers be kept for, beyond what the origin says.
struct CachePolicy: Sendable, Equatable {
    /// How long an answer is fresh when the origin does not say, in seconds; nil for not at all.
    var defaultTTL: Int64?
    /// How long a stale answer stands in for an origin that fails and has not said, in seconds.
    var staleIfError: Int64?
    /// How long a stale answer is given while it is asked for anew, in seconds, if the origin has not said.
    var staleWhileRevalidate: Int64?
    /// Whether users who have signed in get answers from the cache, and leave theirs there if the origin
    /// says that all may have them (RFC 9111 section 3.5).
    var allowsAuthorized = false
    /// Whether an answer that changed long ago is taken to be fresh for a while (RFC 9111 section 4.2.2).
    var guesses = false
    /// Types of events that make an answer old, whatever was said before.
    var events: [String] = []
}

/// How much is kept.
struct CacheLimits: Sendable, Equatable {
    /// All answers together, in bytes, with what keeping them takes.
    var bytes = 64 << 20
    /// The longest content that is kept, in bytes.
    var entryBytes = 1 << 20
}
