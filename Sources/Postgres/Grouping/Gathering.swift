internal import Reactor
internal import Synchronization

/// Lets those who come close to each other set out together.
///
/// What goes through many commits one after the other costs least in company: who starts together
/// shares each of them. So two groups at most are under way, and who comes meanwhile goes with the next
/// one, as soon as one of the two has come back, and after `patience` all the same. A lone one finds
/// nobody under way and goes at once.
///
///     let group = await gathering.join()
///     defer { gathering.leave(group) }
public final class Gathering: Sendable {
    /// Those who set out at the same time.
    public struct Group: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    private let patience: Duration
    private let state = Mutex(GatheringState<OneShot<Void>>(groups: 2))

    /// Makes one of which nobody is under way.
    ///
    /// - Parameter patience: the longest wait for company.
    public init(patience: Duration) {
        self.patience = patience
    }

    /// Waits for the others; call it on an event loop, and `leave` with what it returns.
    ///
    /// A task that is cancelled goes at once.
    public func join() async -> Group {
        let (number, departure) = state.withLock { $0.join(OneShot()) }
        if let departure, await departure.wait(until: .after(patience)) == nil, !Task.isCancelled {
            state.withLock { $0.setOut(number) }?.resolve(())
        }
        return Group(number: number)
    }

    /// One of the group has done what it set out for.
    public func leave(_ group: Group) {
        state.withLock { $0.leave(group.number) }?.resolve(())
    }
}

/// Who sets out when; `Signal` is what a group waits for.
struct GatheringState<Signal> {
    private struct Waiting {
        let number: UInt64
        let signal: Signal
        var members: Int
    }

    /// How many groups are under way before the next one waits.
    private let groups: Int
    private var lastNumber: UInt64 = 0
    /// How many of each group have not come back.
    private var underWay: [UInt64: Int] = [:]
    private var waiting: Waiting?

    init(groups: Int) {
        self.groups = groups
    }

    /// Somebody comes: the number of their group, and what to wait for; nil for who goes at once.
    ///
    /// - Parameter signal: what a group waits for that begins now.
    mutating func join(_ signal: @autoclosure () -> Signal) -> (number: UInt64, signal: Signal?) {
        if var next = waiting {
            next.members += 1
            waiting = next
            return (next.number, next.signal)
        }
        lastNumber += 1
        if underWay.count < groups {
            underWay[lastNumber] = 1
            return (lastNumber, nil)
        }
        let next = Waiting(number: lastNumber, signal: signal(), members: 1)
        waiting = next
        return (next.number, next.signal)
    }

    /// Somebody of a group comes back, or gives up: the signal of the group that may go now.
    mutating func leave(_ number: UInt64) -> Signal? {
        if let members = underWay[number] {
            underWay[number] = members > 1 ? members - 1 : nil
        } else if var next = waiting, next.number == number {
            next.members -= 1
            waiting = next.members > 0 ? next : nil
        }
        guard underWay.count < groups, let next = waiting else { return nil }
        return setOut(next.number)
    }

    /// A group has waited long enough: its signal, unless it has gone already.
    mutating func setOut(_ number: UInt64) -> Signal? {
        guard let next = waiting, next.number == number else { return nil }
        waiting = nil
        underWay[number] = next.members
        return next.signal
    }
}
