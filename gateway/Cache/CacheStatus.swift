/// What a cache did for an answer, as `Cache-Status` tells it (RFC 9211).
struct CacheStatus: Sendable, Equatable {
    /// Why a request went on to the origin (section 2.2).
    enum Forward: String, Sendable {
        /// The route or the request does not go through the cache.
        case bypass
        /// The method's answers are not kept.
        case method
        /// Nothing is kept for the target.
        case uriMiss = "uri-miss"
        /// What is kept is for other header fields.
        case varyMiss = "vary-miss"
        /// The client asked for it.
        case request
        /// What is kept may not be used without asking.
        case stale
    }

    /// The name of this cache.
    static let name = "anyway"

    /// Nil for an answer that came from the cache.
    var forward: Forward?
    /// What the origin answered.
    var status: Int?
    /// Whether the answer is kept now.
    var isStored = false
    /// Whether another request's call brought it.
    var isCollapsed = false
    /// Seconds that it is still fresh; negative when it is stale.
    var ttl: Int64?
    /// A word about why.
    var detail: String?

    static let hit = CacheStatus()

    init(_ forward: Forward? = nil) { self.forward = forward }

    /// The member of the list.
    var text: String {
        var text = Self.name
        if let forward {
            text += "; fwd=\(forward.rawValue)"
        } else {
            text += "; hit"
        }
        if let status { text += "; fwd-status=\(status)" }
        if isStored { text += "; stored" }
        if isCollapsed { text += "; collapsed" }
        if let ttl { text += "; ttl=\(ttl)" }
        if let detail { text += "; detail=\(detail)" }
        return text
    }
}
