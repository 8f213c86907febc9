internal import HTTP
internal import Mesh

/// Everything that a routes file says, checked: it can be put in force as it is.
struct RoutingPlan: Sendable, Equatable {
    /// Where an upstream is and how it is spoken to.
    struct Origin: Sendable, Equatable {
        enum Transport: String, Sendable, CaseIterable {
            /// TLS 1.3 with the platform's certificates on both sides.
            case mutual
            /// Plain HTTP.
            case none
        }

        let endpoints: Endpoints
        let transport: Transport
        /// What is asked to see whether an instance is ready; nil when none is asked.
        let health: String?
        /// How the instance for a request is found.
        let balancing: Balancer.Kind
    }

    /// Where the keys that sign tokens are published.
    struct KeySource: Sendable, Equatable {
        let upstream: String
        let path: String
        /// Where sessions are told that ended before their tokens did; nil when there are none.
        var endedSessions: String?
    }

    /// A source of keys and the upstream that it names.
    struct KeyOrigin: Sendable, Equatable {
        let source: KeySource
        let origin: Origin
    }

    /// Where a service tells what has changed.
    struct Feed: Sendable, Equatable, Hashable {
        let upstream: String
        let path: String
    }

    var upstreams: [String: Origin] = [:]
    /// How much is kept of answers, and which feeds tell that they are old.
    var cache = CacheLimits()
    var feeds: [Feed] = []
    var keys: KeySource?
    var limits: [String: LimitGroup] = [:]
    var cors: CorsPolicy?
    var routes: [Route] = []

    /// Where keys come from, by name and by where that is; nil for nowhere.
    var keyOrigin: KeyOrigin? {
        guard let keys, let origin = upstreams[keys.upstream] else { return nil }
        return KeyOrigin(source: keys, origin: origin)
    }

    /// An upstream's routes, in the order of the file.
    func routes(to upstream: String) -> [Route] { routes.filter { $0.upstream == upstream } }
}

/// Requests a second, and how many of them may come at once.
struct LimitGroup: Sendable, Equatable {
    /// The group of a route that names none.
    static let client = "client"

    /// What a request is counted against.
    enum Subject: String, Sendable, CaseIterable {
        /// The user, or the address when there is none.
        case client
        /// The address, and the account that the content names together with the address.
        case account
    }

    var subject = Subject.client
    /// Requests in a window for each user or account.
    var user: TokenBucket.Policy
    /// Requests in a window for each address without a user.
    var address: TokenBucket.Policy
}
