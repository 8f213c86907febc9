/// Bounds the calls in flight to an upstream and those that wait for a place.
///
/// A slow upstream then holds up only its own callers, and those find out at once.
public struct Bulkhead: Sendable {
    /// A place in the queue.
    public typealias Ticket = UInt64

    /// What a new call does.
    public enum Entry: Sendable, Equatable {
        /// It may start, and must ``leave()`` at its end.
        case enter
        /// It waits until ``leave()`` names its ticket, or gives up with ``abandon(_:)``.
        case wait(Ticket)
        /// There is no room even to wait.
        case refuse
    }

    /// Most calls in flight.
    public let limit: Int
    /// Most calls that wait.
    public let queueLimit: Int
    /// Calls in flight.
    public private(set) var inFlight = 0
    private var queue: [Ticket] = []
    private var nextTicket: Ticket = 0

    /// An empty bulkhead.
    public init(limit: Int, queueLimit: Int) {
        precondition(limit > 0 && queueLimit >= 0)
        self.limit = limit
        self.queueLimit = queueLimit
    }

    /// Calls that wait.
    public var waiting: Int { queue.count }

    /// Asks for a place.
    public mutating func enter() -> Entry {
        if inFlight < limit, queue.isEmpty {
            inFlight += 1
            return .enter
        }
        guard queue.count < queueLimit else { return .refuse }
        nextTicket += 1
        queue.append(nextTicket)
        return .wait(nextTicket)
    }

    /// Gives a place back; the ticket returned, if any, has it now.
    public mutating func leave() -> Ticket? {
        precondition(inFlight > 0, "a place is given back once")
        guard !queue.isEmpty else {
            inFlight -= 1
            return nil
        }
        return queue.removeFirst()
    }

    /// Gives up waiting; `false` when the ticket has its place already and must ``leave()``.
    public mutating func abandon(_ ticket: Ticket) -> Bool {
        guard let index = queue.firstIndex(of: ticket) else { return false }
        queue.remove(at: index)
        return true
    }
}
