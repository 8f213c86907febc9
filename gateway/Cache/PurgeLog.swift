/// What was purged, and when: an answer that was asked for before then is not what it was.
///
/// Pure. Noting a purge costs the same however much is kept, and it also counts for calls that are under
/// way: what they bring may be older than the change.
struct PurgeLog: Sendable {
    /// What a purge does to an answer.
    enum Effect: Int, Sendable, Comparable {
        /// Nothing.
        case none
        /// It is old: the origin must be asked, and it stands in if that fails.
        case outdated
        /// It is gone.
        case gone

        static func < (left: Effect, right: Effect) -> Bool { left.rawValue < right.rawValue }
    }

    private struct Mark {
        var outdated = Int64.min
        var gone = Int64.min
    }

    /// The most paths that are remembered; before more, all that is older than the newest is outdated.
    static let limit = 4096

    private var marks: [String: Mark] = [:]
    private var everything = Mark()
    /// The time of the last purge of anything: what was asked for later needs no closer look.
    private(set) var last = Int64.min

    /// Notes that everything at a path, with any query and authority, has this effect from a time on.
    mutating func purge(path: String, _ effect: Effect, at now: Int64) {
        if marks.count >= Self.limit, marks[path] == nil {
            everything.outdated = max(everything.outdated, last)
            everything.gone = max(everything.gone, marks.values.map(\.gone).max() ?? .min)
            marks = [:]
        }
        Self.note(effect, at: now, &marks[path, default: Mark()])
        last = max(last, now)
    }

    /// Notes that everything has this effect.
    mutating func purgeEverything(_ effect: Effect, at now: Int64) {
        Self.note(effect, at: now, &everything)
        last = max(last, now)
    }

    /// What has become of an answer that was asked for at a time.
    func effect(on path: String, requested: Int64) -> Effect {
        guard requested <= last else { return .none }
        return max(
            Self.effect(of: everything, requested),
            marks[path].map { Self.effect(of: $0, requested) } ?? .none
        )
    }

    private static func note(_ effect: Effect, at now: Int64, _ mark: inout Mark) {
        switch effect {
        case .none: break
        case .outdated: mark.outdated = max(mark.outdated, now)
        case .gone: mark.gone = max(mark.gone, now)
        }
    }

    private static func effect(of mark: Mark, _ requested: Int64) -> Effect {
        if requested <= mark.gone { return .gone }
        return requested <= mark.outdated ? .outdated : .none
    }
}
