internal import HTTP
internal import Mesh
internal import Reactor
internal import Telemetry

/// Follows the feeds in which services tell what has changed, and makes kept answers old.
///
/// A gateway keeps nothing that outlives it, so it begins with what comes next, and where events were
/// missed everything that is kept is old.
struct PurgeFeed: Sendable {
    /// How long the service may hold an answer back for an event to come, in seconds.
    private static let wait = 20

    let table: RouteTable
    let log: Logger

    private struct Page: Decodable {
        struct Event: Decodable {
            let type: String
            let subject: String
        }

        let events: [Event]
        let next: String
    }

    /// Follows all feeds of the plan in force until the task is cancelled.
    func run() async {
        var cursors: [RoutingPlan.Feed: String] = [:]
        await withTaskGroup(of: (RoutingPlan.Feed, String?).self) { group in
            var followed: Set<RoutingPlan.Feed> = []
            while !Task.isCancelled {
                for feed in table.cached?.plan.feeds ?? [] where followed.insert(feed).inserted {
                    let cursor = cursors[feed]
                    group.addTask { (feed, await turn(feed, after: cursor)) }
                }
                guard !followed.isEmpty else {
                    do { try await EventLoop.sleep(for: .milliseconds(200)) } catch { return }
                    continue
                }
                guard let (feed, next) = await group.next() else { continue }
                followed.remove(feed)
                cursors[feed] = next
            }
            group.cancelAll()
        }
    }

    /// Reads one page; the place behind it, or nil when that has to be asked for anew.
    private func turn(_ feed: RoutingPlan.Feed, after cursor: String?) async -> String? {
        guard let (cache, plan, upstreams) = table.cached, let upstream = upstreams[feed.upstream]
        else { return await pause(cursor) }
        let target =
            "\(feed.path)?after=\(cursor ?? "newest")&limit=500&wait=\(cursor == nil ? 0 : Self.wait)"
        let time = Duration.seconds(Self.wait + 3)
        let options = CallOptions(isIdempotent: true, timeout: time, tryTimeout: time, retries: 0)
        guard
            let response = try? await upstream.call(ClientRequest(.get, target), options)
        else { return await pause(cursor) }
        switch response.status {
        case .ok:
            guard let page = try? await response.json(Page.self) else { return await pause(cursor) }
            // Nothing tells what came before the first look.
            if cursor == nil { cache.purgeEverything(.outdated) }
            for event in page.events { apply(event, plan, feed, cache) }
            return page.next
        case .gone:
            log.warning("events were missed, everything kept is old")
            return nil
        default:
            log.debug("the feed refused", ["status": .int(response.status.code)])
            return await pause(cursor)
        }
    }

    private func pause(_ cursor: String?) async -> String? {
        try? await EventLoop.sleep(for: .milliseconds(Int64.random(in: 500...1000)))
        return cursor
    }

    private func apply(
        _ event: Page.Event,
        _ plan: RoutingPlan,
        _ feed: RoutingPlan.Feed,
        _ cache: EdgeCache
    ) {
        for route in plan.routes where route.upstream == feed.upstream {
            guard let policy = route.cache, policy.events.contains(event.type) else { continue }
            for template in route.templates {
                if let path = Self.path(template, event.subject) {
                    cache.purge(path: path, .outdated)
                }
            }
        }
    }

    /// The path of a subject: the template with the subject for its only parameter; nil when it has more.
    static func path(_ template: String, _ subject: String) -> String? {
        let segments = template.split(separator: "/")
        guard segments.count(where: { $0.hasPrefix("{") }) <= 1,
            !segments.contains(where: { $0.hasSuffix("...}") })
        else { return nil }
        let filled = segments.map { $0.hasPrefix("{") ? subject : String($0) }
        // A subject that leads elsewhere, as `..` does, is no segment.
        guard let path = Path("/" + filled.joined(separator: "/")),
            path.segments.count == filled.count
        else { return nil }
        return path.description
    }
}
