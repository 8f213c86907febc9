import Synchronization

extension EventLoop {
    /// Suspends the task until `deadline`, on the loop it runs on.
    ///
    /// - Throws: `.cancelled` as soon as the task is cancelled.
    public static func sleep(until deadline: Deadline) async throws(SocketError) {
        try await Alarm(loop: required).wait(until: deadline)
    }

    /// Suspends the task for `duration`, on the loop it runs on.
    ///
    /// - Throws: `.cancelled` as soon as the task is cancelled.
    public static func sleep(for duration: Duration) async throws(SocketError) {
        try await sleep(until: .after(duration))
    }
}

/// One sleep.
///
/// Safe to send: `continuation` and `timer` are touched on the loop's thread alone.
@safe private final class Alarm: @unchecked Sendable {
    private let loop: EventLoop
    private var continuation: UnsafeContinuation<Bool, Never>?
    private var timer: TimerID?
    private var wasCancelled = false

    init(loop: EventLoop) {
        self.loop = loop
    }

    func wait(until deadline: Deadline) async throws(SocketError) {
        let elapsed = await withTaskCancellationHandler {
            // Safe: `finish` takes the continuation out before it resumes it, so it does so once.
            await unsafe withUnsafeContinuation { continuation in
                guard !wasCancelled, !Task.isCancelled else {
                    return unsafe continuation.resume(returning: false)
                }
                unsafe self.continuation = continuation
                timer = loop.schedule(at: deadline) { self.finish(true) }
            }
        } onCancel: {
            loop.execute { self.cancel() }
        }
        guard elapsed else { throw .cancelled }
    }

    private func cancel() {
        wasCancelled = true
        if let timer { loop.cancel(timer) }
        finish(false)
    }

    private func finish(_ elapsed: Bool) {
        guard let continuation = unsafe continuation else { return }
        unsafe self.continuation = nil
        unsafe continuation.resume(returning: elapsed)
    }
}
