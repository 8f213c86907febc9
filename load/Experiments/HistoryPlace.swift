internal import FoundationEssentials

/// Where an experiment's history is: where it was asked for, or below /tmp and gone afterwards.
struct HistoryPlace: Sendable, Equatable {
    /// Absolute, because others read it too, and a container's engine takes any other for a name.
    let path: String
    /// Whether somebody asked for it.
    let isKept: Bool

    init(
        _ asked: String?,
        from folder: String = FileManager.default.currentDirectoryPath
    ) {
        isKept = asked != nil
        let path = asked ?? "/tmp/anyway-experiment-\(UInt64.random(in: 0 ... .max))"
        self.path = path.hasPrefix("/") ? path : "\(folder)/\(path)"
    }

    /// Takes it away unless it was asked for.
    func clear() {
        if !isKept { try? FileManager.default.removeItem(atPath: path) }
    }
}
