import Glibc

/// Bytes that arrive at the end and are consumed at the front.
///
/// The storage is one array, all of it initialised, in which the readable bytes lie between two
/// offsets; consuming moves the first of them, and the gap is closed when room is needed. An emptied
/// buffer can give its memory back (`releaseIfEmpty`), so an idle connection costs none.
public struct ByteBuffer: Sendable {
    @usableFromInline var storage: [UInt8]
    @usableFromInline var head = 0
    @usableFromInline var tail: Int

    /// Makes a buffer that holds `bytes`.
    public init(_ bytes: [UInt8] = []) {
        storage = bytes
        tail = bytes.count
    }

    /// How many bytes can be read.
    @inlinable public var count: Int { tail - head }

    /// How much memory is held, in bytes.
    public var capacity: Int { storage.capacity }

    /// Whether nothing can be read.
    @inlinable public var isEmpty: Bool { head == tail }

    /// Lends the readable bytes, without a copy.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(storage.span.extracting(head..<tail))
    }

    /// Drops the first `count` bytes; more than there are is a bug.
    @inlinable
    public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "consumed more than was there")
        head += count
        if head == tail {
            head = 0
            tail = 0
        }
    }

    /// Removes and returns the first `count` bytes; more than there are is a bug.
    public mutating func take(_ count: Int) -> [UInt8] {
        precondition(count >= 0 && count <= self.count, "took more than was there")
        if head == 0, count == storage.count {
            let all = storage
            self = ByteBuffer()
            return all
        }
        let taken = Array(storage[head..<head + count])
        consume(count)
        return taken
    }

    /// Adds bytes at the end.
    public mutating func append(_ more: some Collection<UInt8>) {
        makeRoom(more.count)
        storage.replaceSubrange(tail..<tail + more.count, with: more)
        tail += more.count
    }

    /// Gives the memory back when nothing is readable.
    public mutating func releaseIfEmpty() {
        if isEmpty, storage.capacity > 0 { self = ByteBuffer() }
    }

    /// Lets `fill` write up to `capacity` bytes behind the readable ones; it returns how many it wrote.
    @inline(__always)
    mutating func append(capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        makeRoom(capacity)
        let range = tail..<tail + capacity
        // Safe: the bytes are initialised, they are lent for the call, and the rebasing is checked.
        let written = unsafe storage.withUnsafeMutableBytes { bytes in
            unsafe fill(UnsafeMutableRawBufferPointer(rebasing: bytes[range]))
        }
        precondition(written >= 0 && written <= capacity, "wrote past the buffer")
        tail += written
        return written
    }

    /// Sees to it that so many bytes fit behind the readable ones.
    private mutating func makeRoom(_ room: Int) {
        if head > 0, head >= count {
            storage.replaceSubrange(0..<count, with: storage[head..<tail])
            tail -= head
            head = 0
        }
        let needed = tail + room
        guard needed > storage.count else { return }
        grow(to: max(needed, 2 * storage.count))
    }

    /// Moves the readable bytes to the front of a larger array.
    ///
    /// The functions of C, because a build for debugging goes through each byte of others.
    private mutating func grow(to size: Int) {
        let (old, range) = (storage, head..<tail)
        // Safe: both arrays are lent for the call, the new one has room for the readable bytes and
        // more, and all of it is initialised.
        storage = unsafe [UInt8](unsafeUninitializedCapacity: size) { new, count in
            unsafe old.withUnsafeBytes { old in
                guard let start = new.baseAddress else { return }
                if !range.isEmpty, let from = old.baseAddress {
                    unsafe memcpy(start, from + range.lowerBound, range.count)
                }
                unsafe memset(start + range.count, 0, size - range.count)
                count = size
            }
        }
        head = 0
        tail = range.count
    }
}
