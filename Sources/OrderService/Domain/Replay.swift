internal import Postgres

/// What is to be done with a saved order after a try to place it.
enum Replay: Sendable, Equatable {
    /// It is placed: drive its saga and forget it here.
    case placed
    /// The same checkout is placed already, by an earlier try or by another replica: forget it here.
    case same
    /// Another checkout was placed under the key first: forget it here, and tell.
    case lost
    /// Nobody can tell; keep it, and leave the database alone for a while.
    case later
    /// The database refuses this one; keep it, tell, and go on with the others.
    case refused(String)

    /// What came of a try.
    enum Attempt: Sendable, Equatable {
        /// The insert was committed.
        case inserted
        /// The key is taken, by an order with this fingerprint; nil when that order cannot be found.
        case taken([UInt8]?)
        case failed(DatabaseError)
    }

    /// Decides.
    init(_ saved: SavedOrder, after attempt: Attempt) {
        switch attempt {
        case .inserted: self = .placed
        case .taken(let fingerprint?): self = fingerprint == saved.fingerprint ? .same : .lost
        case .taken(nil): self = .refused("its id or key is taken, and nothing is found there")
        case .failed(let error):
            switch error {
            case .unavailable, .timedOut, .cancelled, .overloaded, .serialization, .outcomeUnknown:
                self = .later
            case .constraint, .server, .decoding: self = .refused("\(error)")
            }
        }
    }

    /// Whether the journal may forget the order.
    var isSettled: Bool {
        switch self {
        case .placed, .same, .lost: true
        case .later, .refused: false
        }
    }

    /// The value of the metric's label.
    var label: String {
        switch self {
        case .placed: "placed"
        case .same: "same"
        case .lost: "lost"
        case .later: "later"
        case .refused: "refused"
        }
    }
}

extension DatabaseError {
    /// Whether the database is out of reach, or may be: what a checkout is saved for.
    ///
    /// A write whose outcome is unknown counts: should it have been stored, the replay finds it. A
    /// database that is merely busy does not: the journal is no queue.
    var meansUnreachable: Bool {
        switch self {
        case .unavailable, .timedOut, .outcomeUnknown: true
        case .cancelled, .overloaded, .constraint, .serialization, .server, .decoding: false
        }
    }
}
