internal import Contracts
public import HTTP
public import Messaging
public import Postgres

extension Boot {
    /// Serves the service's outbox to these readers and keeps it in days.
    ///
    /// Reads `OUTBOX_DAYS`: how many days with events are kept besides today's.
    ///
    /// - Throws: `ConfigurationError` when that is no number of days.
    public func publishEvents(
        in database: Database,
        to readers: Callers
    ) throws(ConfigurationError) {
        let days = try environment.integer("OUTBOX_DAYS", in: 1...365, default: 7)
        let feed = EventFeed(
            of: name,
            in: database,
            waitsForWriters: !ablation.lacks(.feed)
        ) { [self] in isStopping }
        let upkeep = OutboxUpkeep(of: database, keepDays: days, log: log)
        routes { feed.add(to: &$0, readers: readers) }
        background("outbox") { await upkeep.run() }
        let watch = OutboxWatch(of: database, log: log, metrics: metrics)
        background("outbox watch") { await watch.run() }
    }

    /// Follows other services' feeds, and lets administrators see to what cannot be applied.
    public func follow(_ consumers: [EventConsumer], in database: Database) {
        let operations = ConsumerOperations(on: consumers, in: database) {
            request throws(Problem) in
            _ = try request.admin()
        }
        routes { operations.add(to: &$0) }
        for consumer in consumers { background("events") { await consumer.run() } }
    }
}
