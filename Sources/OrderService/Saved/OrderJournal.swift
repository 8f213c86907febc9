internal import Journaling
internal import Reactor
internal import ServiceKit

/// The journal of a replica as it is wired: opened before anything else, written and replayed beside
/// the requests.
struct OrderJournal: Sendable {
    let saved: SavedOrders
    private let folder: JournalFolder
    private let maxBytes: Int
    private let measures: SavedOrderMeasures

    /// Opens the journal that the configuration names; nil when it names none.
    ///
    /// - Throws: `ConfigurationError` when the folder cannot be used.
    init?(_ configuration: OrderConfiguration, _ boot: Boot) async throws {
        guard let path = configuration.journalFolder else { return nil }
        let folder = JournalFolder(path)
        let maxBytes = configuration.journalMaxBytes
        let opened = try await BlockingPool.shared.run {
            Result { () throws(JournalError) in try Journal(in: folder, maxBytes: maxBytes) }
        }
        let journal: Journal
        do throws(JournalError) {
            journal = try opened.get()
        } catch {
            throw ConfigurationError(
                "JOURNAL_DIR",
                "is '\(path)', which cannot be used: \(error)",
                example: "/var/lib/anyway/journal"
            )
        }
        measures = SavedOrderMeasures(boot.metrics)
        measures.show(journal, in: boot.metrics)
        saved = SavedOrders(journal, log: boot.log, measures: measures)
        self.folder = folder
        self.maxBytes = maxBytes
    }

    /// Writes and replays until the process ends.
    func run(_ routes: OrderRoutes, on boot: Boot) {
        let replay = SavedOrderReplay(
            saved: saved,
            folder: folder,
            maxBytes: maxBytes,
            routes: routes,
            log: boot.log,
            measures: measures
        )
        boot.background("order journal") { await saved.journal.run() }
        boot.background("saved orders") { await replay.run() }
    }
}
