import Synchronization

/// A value that comes once; any number of tasks wait for it.
public final class OneShot<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiters: [UInt64: CheckedContinuation<Value?, Never>] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Makes one whose value has not come yet.
    public init() {}

    /// The value, if it has come.
    public var value: Value? { state.withLock { $0.value } }

    /// Brings the value and wakes all who wait; a second value is ignored.
    public func resolve(_ value: Value) {
        let waiters = state.withLock { state -> [CheckedContinuation<Value?, Never>] in
            guard state.value == nil else { return [] }
            state.value = value
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }

    /// Waits for the value on the loop that the task runs on.
    ///
    /// - Returns: the value; nil when the deadline passed or the task was cancelled first.
    public func wait(until deadline: Deadline) async -> Value? {
        if let value { return value }
        let loop = EventLoop.required
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        let timer =
            deadline == .never
            ? nil : loop.schedule(at: deadline) { [weak self] in self?.giveUp(number) }
        defer { if let timer { loop.cancel(timer) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in enlist(number, continuation) }
        } onCancel: {
            giveUp(number)
        }
    }

    private func enlist(_ number: UInt64, _ continuation: CheckedContinuation<Value?, Never>) {
        let settled: Value?? = state.withLock { state in
            if let value = state.value { return .some(value) }
            // A cancellation that came before found nobody to wake.
            if Task.isCancelled { return .some(nil) }
            state.waiters[number] = continuation
            return nil
        }
        if let settled { continuation.resume(returning: settled) }
    }

    private func giveUp(_ number: UInt64) {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
        waiter?.resume(returning: nil)
    }
}
