import Glibc

/// Which event loop the calling thread belongs to, in a thread-specific slot of pthreads.
enum CurrentLoop {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let result = unsafe pthread_key_create(&key, nil)
        precondition(result == 0, "no thread-specific key left")
        return key
    }()

    /// Safe: the pointer is set by the loop's own thread, which keeps the loop alive while it runs
    /// and clears the slot before it ends.
    static func get() -> EventLoop? {
        guard let pointer = unsafe pthread_getspecific(key) else { return nil }
        return unsafe Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    static func set(_ loop: EventLoop?) {
        let pointer = unsafe loop.map { unsafe Unmanaged.passUnretained($0).toOpaque() }
        _ = unsafe pthread_setspecific(key, pointer)
    }
}
