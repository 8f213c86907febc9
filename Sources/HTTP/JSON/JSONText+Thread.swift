internal import Glibc

extension JSONText {
    /// Where a thread keeps its own, which is freed with the thread.
    private static let slot: pthread_key_t = {
        var key = pthread_key_t()
        // Safe: what is in the slot is what `keep` put there, with a reference of its own.
        let result = unsafe pthread_key_create(&key) { pointer in
            guard let pointer = unsafe pointer else { return }
            unsafe Unmanaged<JSONText>.fromOpaque(pointer).release()
        }
        precondition(result == 0, "no thread-specific key left")
        return key
    }()

    /// Has a value written by the thread's own text; nil as from `end`.
    ///
    /// When the value's own code asks for a text while it is encoded itself, that gets another one.
    static func write(_ encode: (JSONText) throws -> Void) throws -> [UInt8]? {
        let key = slot
        var text: JSONText
        if let pointer = unsafe pthread_getspecific(key) {
            pthread_setspecific(key, nil)
            text = unsafe Unmanaged<JSONText>.fromOpaque(pointer).takeRetainedValue()
        } else {
            text = JSONText()
        }
        text.reset()
        defer {
            // A value that has kept an encoder must not get at what others encode.
            if isKnownUniquelyReferenced(&text), text.isSmall,
                unsafe pthread_getspecific(key) == nil
            {
                unsafe pthread_setspecific(key, Unmanaged.passRetained(text).toOpaque())
            } else {
                text.isOver = true
            }
        }
        do {
            try encode(text)
        } catch {
            // Where it happened is known elsewhere.
            if text.isBeyond { return nil }
            throw error
        }
        return text.end()
    }
}
