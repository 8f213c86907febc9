internal import Glibc

/// A list of plain values that is filled and emptied many times: its memory stays, and nothing in it
/// counts references.
///
/// An array asks before each change whether it must copy itself first, which for a few bytes costs more
/// than the change.
///
/// Safe: the memory belongs to this value alone, which cannot be copied; only its first `count` places
/// are read, each of which was written before, and room is made before anything is written.
@safe struct PlainList<Element: BitwiseCopyable>: ~Copyable {
    private var start: UnsafeMutablePointer<Element>
    /// How many there are.
    private(set) var count = 0
    /// How many there is memory for.
    private(set) var capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        unsafe start = .allocate(capacity: capacity)
    }

    deinit { unsafe start.deallocate() }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "beyond the list")
            return unsafe start[index]
        }
        set {
            precondition(index >= 0 && index < count, "beyond the list")
            unsafe start[index] = newValue
        }
    }

    /// Whether another one can be added without more memory.
    @inline(__always)
    var hasRoom: Bool { count < capacity }

    /// Changes one where it lies.
    @inline(__always)
    mutating func change(_ index: Int, _ body: (inout Element) -> Void) {
        precondition(index >= 0 && index < count, "beyond the list")
        body(&(unsafe start[index]))
    }

    /// Adds one at the end.
    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow(by: 1) }
        unsafe (start + count).initialize(to: element)
        count += 1
    }

    /// Adds copies of many at the end.
    @inline(__always)
    mutating func append(_ elements: UnsafePointer<Element>?, _ number: Int) {
        guard let elements = unsafe elements else { return }
        if capacity - count < number { grow(by: number) }
        unsafe memcpy(start + count, elements, number * MemoryLayout<Element>.stride)
        count += number
    }

    /// Removes and returns the last one; there must be one.
    @inline(__always)
    mutating func removeLast() -> Element {
        precondition(count > 0, "beyond the list")
        count -= 1
        return unsafe start[count]
    }

    /// Removes the last ones.
    @inline(__always)
    mutating func removeLast(_ number: Int) {
        precondition(number >= 0 && number <= count, "beyond the list")
        count -= number
    }

    /// Forgets all, and keeps the memory.
    mutating func removeAll() { count = 0 }

    /// Lends all of them, while nothing is added.
    @inline(__always)
    var elements: UnsafeBufferPointer<Element> {
        unsafe UnsafeBufferPointer(start: start, count: count)
    }

    /// The same, to be changed.
    var mutableElements: UnsafeMutableBufferPointer<Element> {
        mutating get { unsafe UnsafeMutableBufferPointer(start: start, count: count) }
    }

    @inline(never)
    private mutating func grow(by number: Int) {
        capacity = max(count + number, 2 * capacity)
        let old = unsafe start
        unsafe start = .allocate(capacity: capacity)
        unsafe memcpy(start, old, count * MemoryLayout<Element>.stride)
        unsafe old.deallocate()
    }
}
