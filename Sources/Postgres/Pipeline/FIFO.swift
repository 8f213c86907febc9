/// A first-in, first-out queue: both ends in constant time, memory reused.
struct FIFO<Element> {
    private var slots: [Element?] = []
    private var head = 0

    var count: Int { slots.count - head }
    var isEmpty: Bool { slots.count == head }
    var first: Element? { head < slots.count ? slots[head] : nil }

    mutating func append(_ element: Element) {
        slots.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < slots.count else { return nil }
        let element = slots[head]
        slots[head] = nil
        head += 1
        if head == slots.count {
            slots.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 64, head * 2 >= slots.count {
            slots.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Changes the element at a distance from the front; nil when there is none.
    mutating func update<T>(at offset: Int, _ body: (inout Element) -> T) -> T? {
        guard offset >= 0, offset < count, var element = slots[head + offset] else { return nil }
        // Taken out while it is changed, so that what it holds is not copied.
        slots[head + offset] = nil
        defer { slots[head + offset] = element }
        return body(&element)
    }

    mutating func removeAll() -> [Element] {
        defer {
            slots.removeAll()
            head = 0
        }
        return slots[head...].compactMap(\.self)
    }

    /// Takes out what matches, from the front to the back.
    mutating func remove(where matches: (Element) -> Bool) -> [Element] {
        let all = removeAll()
        for element in all where !matches(element) { append(element) }
        return all.filter(matches)
    }

    var elements: [Element] { slots[head...].compactMap(\.self) }
}
