/// Bytes that arrive at the end and are consumed at the front.
///
/// The storage is one array; consuming moves an index, and the gap is closed when room is needed.
/// An emptied buffer can give its memory back (`releaseIfEmpty`), so an idle connection costs none.
public struct ByteBuffer: Sendable {
    @usableFromInline var storage: [UInt8]
    @usableFromInline var head = 0

    /// Makes a buffer that holds `bytes`.
    public init(_ bytes: [UInt8] = []) {
        storage = bytes
    }

    /// How many bytes can be read.
    @inlinable public var count: Int { storage.count - head }

    /// How much memory is held, in bytes.
    public var capacity: Int { storage.capacity }

    /// Whether nothing can be read.
    @inlinable public var isEmpty: Bool { head == storage.count }

    /// Lends the readable bytes, without a copy.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(storage.span.extracting(head..<storage.count))
    }

    /// Drops the first `count` bytes; more than there are is a bug.
    @inlinable
    public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "consumed more than was there")
        head += count
        if head == storage.count {
            storage.removeAll(keepingCapacity: true)
            head = 0
        }
    }

    /// Removes and returns the first `count` bytes; more than there are is a bug.
    public mutating func take(_ count: Int) -> [UInt8] {
        precondition(count >= 0 && count <= self.count, "took more than was there")
        if head == 0, count == storage.count {
            let all = storage
            storage = []
            return all
        }
        let taken = Array(storage[head..<head + count])
        consume(count)
        return taken
    }

    /// Adds bytes at the end.
    public mutating func append(_ more: some Collection<UInt8>) {
        closeGap()
        storage.append(contentsOf: more)
    }

    /// Gives the memory back when nothing is readable.
    public mutating func releaseIfEmpty() {
        if isEmpty, storage.capacity > 0 {
            storage = []
            head = 0
        }
    }

    /// Lets `fill` write up to `capacity` bytes behind the readable ones; it returns how many it wrote.
    mutating func append<Failure: Error>(
        capacity: Int,
        _ fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        closeGap()
        var written = 0
        var failure: Failure?
        storage.append(addingCapacity: capacity) { span in
            // Safe: the span's own uninitialised tail is lent for the call, and `fill` reports how
            // much of it it initialised, which is checked against the capacity.
            unsafe span.withUnsafeMutableBufferPointer { buffer, initialized in
                do throws(Failure) {
                    let raw = UnsafeMutableRawBufferPointer(buffer)
                    written = try unsafe fill(
                        UnsafeMutableRawBufferPointer(rebasing: raw[initialized...])
                    )
                    precondition(written >= 0 && written <= capacity, "wrote past the buffer")
                    initialized += written
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
        return written
    }

    /// Moves the readable bytes to the front when the consumed part outweighs them.
    private mutating func closeGap() {
        guard head > 0, head >= count else { return }
        storage.removeFirst(head)
        head = 0
    }
}
