internal import CYajl

/// Writes a value as text while it is encoded: every quote, escape, comma and colon is yajl's.
///
/// A thread has one, whose generator and memory serve one value after the other. Text is written where a
/// value says something, not when it has said all, so what says things in another order than JSON does
/// cannot be written: members of an object that had ended, a value that comes after its neighbour,
/// a key twice. Then `isBeyond`, and whoever asked has the value written in another way.
///
/// Only the order of keys is put right: the members of an object are moved when it ends.
///
/// Safe: the generator and the output belong to this object, which frees them; whatever is lent to the
/// generator is lent for the length of a call.
@safe final class JSONText {
    /// An object or an array that has begun and not ended.
    struct Container {
        let isObject: Bool
        /// Whether each key has come behind those that it belongs behind.
        var isSorted = true
        /// The place that it is the value of, which is also its name.
        let place: Int
        /// How many members outer containers have.
        let base: Int
        var count = 0
    }

    /// Thrown to whoever goes on with a value that cannot be written here; nobody else sees it.
    struct Beyond: Error {}

    /// Where a member of an object begins and ends, and how long its key is.
    struct Member {
        var start: Int
        let key: Int
        var end = 0
    }

    /// More than this is not kept for the next value.
    private static let mostKept = 1 << 17
    /// The place of the value as a whole.
    static let root = 0
    private static let nowhere = -1

    private let generator: yajl_gen
    private let output: UnsafeMutablePointer<PlainList<UInt8>>
    // An access to one of these ends within the method that begins it, which calls nothing of the value
    // that is encoded, so two never overlap. To have that checked at run time costs a tenth of all.
    @safe @exclusivity(unchecked) private var containers = PlainList<Container>(capacity: 16)
    @safe @exclusivity(unchecked) private var members = PlainList<Member>(capacity: 64)
    /// An object's text, while its members are moved.
    @safe @exclusivity(unchecked) private var moved = PlainList<UInt8>(capacity: 256)
    @safe @exclusivity(unchecked) private var lastPlace = JSONText.root
    /// The place whose value is to come next.
    @safe @exclusivity(unchecked) private var pending = JSONText.root
    /// Whether the value cannot be written here; the text is of no use then.
    @safe @exclusivity(unchecked) private(set) var isBeyond = false
    /// Whether nobody waits for the text any more.
    var isOver = false
    /// How many elements nothing is known of.
    private var strays = 0

    init() {
        guard let generator = unsafe yajl_gen_alloc(nil) else { fatalError("no memory") }
        unsafe self.generator = generator
        unsafe output = .allocate(capacity: 1)
        unsafe output.initialize(to: PlainList(capacity: 1024))
        // The generator calls it while it is called itself, with the output that this object owns.
        _ = unsafe anyway_yajl_print(
            generator,
            { context, text, count in
                guard let context = unsafe context, let text = unsafe text else { return }
                let output = unsafe context.assumingMemoryBound(to: PlainList<UInt8>.self)
                // Half of all are quotes, commas and colons.
                if count == 1, unsafe output.pointee.hasRoom {
                    unsafe output.pointee.append(UInt8(bitPattern: text[0]))
                } else {
                    unsafe JSONText.append(text, count, to: output)
                }
            },
            output
        )
    }

    /// Never inlined: what is done for a single byte shall not pay for it.
    @inline(never)
    private static func append(
        _ text: UnsafePointer<CChar>,
        _ count: Int,
        to output: UnsafeMutablePointer<PlainList<UInt8>>
    ) {
        unsafe text.withMemoryRebound(to: UInt8.self, capacity: count) { text in
            unsafe output.pointee.append(text, count)
        }
    }

    deinit {
        unsafe yajl_gen_free(generator)
        unsafe output.deinitialize(count: 1)
        unsafe output.deallocate()
    }

    /// Whether the value that is encoded need not go on.
    var isInVain: Bool { isBeyond && !isOver }

    /// Begins anew, with one place for a value.
    func reset() {
        unsafe yajl_gen_reset(generator, nil)
        unsafe output.pointee.removeAll()
        containers.removeAll()
        members.removeAll()
        lastPlace = Self.root
        pending = Self.root
        isBeyond = false
        strays = 0
    }

    /// Whether it is worth keeping for the next value.
    var isSmall: Bool {
        unsafe output.pointee.capacity <= Self.mostKept
            && members.capacity * MemoryLayout<Member>.stride <= Self.mostKept
    }

    /// Ends the value: its text, members in the order of their keys; nil when it cannot be written here, or
    /// has encoded nothing.
    func end() -> [UInt8]? {
        guard pending != Self.root else { return nil }
        settle()
        while containers.count > 0 { close() }
        return isBeyond ? nil : unsafe [UInt8](output.pointee.elements)
    }

    // MARK: Places and containers

    /// Begins a member of an object: a place for its value.
    func place(_ key: String, in object: Int) -> Int {
        self.key(key, in: object)
        return nextPlace()
    }

    /// Begins an element of an array: a place for it.
    func place(in array: Int) -> Int {
        element(in: array)
        return nextPlace()
    }

    private func nextPlace() -> Int {
        lastPlace += 1
        pending = lastPlace
        return lastPlace
    }

    /// Turns to a place, whose value comes now.
    func fill(_ place: Int) {
        if pending != place { isBeyond = true }
        pending = Self.nowhere
    }

    /// Begins an object or an array at a place, or goes on with the one that is there.
    func open(_ place: Int, isObject: Bool) {
        if pending == place {
            pending = Self.nowhere
            check(unsafe isObject ? yajl_gen_map_open(generator) : yajl_gen_array_open(generator))
            containers.append(Container(isObject: isObject, place: place, base: members.count))
        } else {
            guard let known = find(place), containers[known].isObject == isObject else {
                return isBeyond = true
            }
        }
    }

    /// Writes the key of an object's next member.
    func key(_ key: String, in object: Int) {
        guard enter(object) else { return }
        let before = unsafe output.pointee.count
        var key = key
        let count = key.withUTF8 { text in
            check(unsafe yajl_gen_string(generator, text.baseAddress, text.count))
            return text.count
        }
        let member = Member(start: unsafe output.pointee.count - count - 2, key: count)
        containers.change(containers.count - 1) { container in
            // What is written otherwise than it is spelled would be sorted otherwise.
            if member.start != before + (container.count > 0 ? 1 : 0) { isBeyond = true }
            if container.count > 0, container.isSorted {
                container.isSorted = unsafe Self.precedes(
                    members[members.count - 1],
                    member,
                    output.pointee.elements
                )
            }
            container.count += 1
        }
        members.append(member)
    }

    /// Turns to an array's next element.
    func element(in array: Int) {
        strays += 1
        guard enter(array) else { return }
        containers.change(containers.count - 1) { $0.count += 1 }
    }

    /// How many elements an array has.
    func count(_ array: Int) -> Int {
        // Who adds elements up to a number must get there, though nothing is written any more.
        isBeyond ? strays : find(array).map { containers[$0].count } ?? strays
    }

    /// Ends what has begun since in a container, so that its next member can come.
    @inline(__always)
    private func enter(_ place: Int) -> Bool {
        if pending != Self.nowhere { settle() }
        let last = containers.count - 1
        if last >= 0, containers[last].place == place { return !isBeyond }
        return leave(upTo: place)
    }

    @inline(never)
    private func leave(upTo place: Int) -> Bool {
        guard !isBeyond, let index = find(place) else {
            isBeyond = true
            return false
        }
        while containers.count > index + 1 { close() }
        return !isBeyond
    }

    /// Writes an empty object where a value said nothing.
    private func settle() {
        guard pending != Self.nowhere else { return }
        pending = Self.nowhere
        check(unsafe yajl_gen_map_open(generator))
        check(unsafe yajl_gen_map_close(generator))
    }

    private func find(_ place: Int) -> Int? {
        var index = containers.count - 1
        while index >= 0 {
            if containers[index].place == place { return index }
            index -= 1
        }
        return nil
    }

    private func close() {
        let container = containers.removeLast()
        guard container.isObject else { return check(unsafe yajl_gen_array_close(generator)) }
        if !container.isSorted { sort(container) }
        members.removeLast(members.count - container.base)
        check(unsafe yajl_gen_map_close(generator))
    }

    // MARK: Values

    func null() { check(unsafe yajl_gen_null(generator)) }

    func bool(_ value: Bool) { check(unsafe yajl_gen_bool(generator, value ? 1 : 0)) }

    func integer(_ value: Int) {
        DecimalDigits(value).withSpan { digits in
            unsafe digits.withUnsafeBufferPointer { unsafe number($0) }
        }
    }

    func string(_ text: String) {
        var text = text
        text.withUTF8 { check(unsafe yajl_gen_string(generator, $0.baseAddress, $0.count)) }
    }

    /// Writes the text of a number.
    func number(_ text: String) {
        var text = text
        text.withUTF8 { unsafe number($0) }
    }

    private func number(_ text: UnsafeBufferPointer<UInt8>) {
        unsafe text.withMemoryRebound(to: CChar.self) { digits in
            check(unsafe yajl_gen_number(generator, digits.baseAddress, digits.count))
        }
    }

    /// What yajl refuses is too deep for it, or in an order that it does not take.
    @inline(__always)
    private func check(_ status: yajl_gen_status) {
        if status != yajl_gen_status_ok, status != yajl_gen_generation_complete { isBeyond = true }
    }

    // MARK: Order

    /// Whether a member's key comes before another's, by their bytes.
    @inline(__always)
    private static func precedes(
        _ left: Member,
        _ right: Member,
        _ text: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        let (one, other) = (left.start + 1, right.start + 1)
        for index in 0..<min(left.key, right.key) {
            let (byte, against) = unsafe (text[one + index], text[other + index])
            if byte != against { return byte < against }
        }
        return left.key < right.key
    }

    /// Moves an object's members, the last that were written, into the order of their keys.
    private func sort(_ object: Container) {
        let (base, start) = (object.base, members[object.base].start)
        let end = unsafe output.pointee.count
        for index in base..<members.count {
            let next = index + 1 < members.count ? members[index + 1].start - 1 : end
            members.change(index) { member in
                member.start -= start
                member.end = next - start
            }
        }
        moved.removeAll()
        unsafe moved.append(
            output.pointee.elements.baseAddress.map { unsafe $0 + start },
            end - start
        )
        let text = unsafe moved.elements
        // The comma behind the first one stands for all of them.
        let comma = moved[members[base].end]
        var sorted = unsafe members.mutableElements[base...]
        unsafe sorted.sort { unsafe Self.precedes($0, $1, text) }
        unsafe output.pointee.removeLast(end - start)
        for index in base..<members.count {
            let member = members[index]
            if index > base {
                // A key twice: which of its values counts is for others to say.
                if unsafe !Self.precedes(members[index - 1], member, text) { isBeyond = true }
                unsafe output.pointee.append(comma)
            }
            let piece = unsafe UnsafeBufferPointer(rebasing: text[member.start..<member.end])
            unsafe output.pointee.append(piece.baseAddress, piece.count)
        }
    }

    // MARK: Paths

    /// The path of a container, or to a place whose value is to come, for errors to name.
    func path(to place: Int) -> [any CodingKey] {
        let depth = pending == place ? containers.count : find(place) ?? 0
        var path: [any CodingKey] = []
        for index in 0..<depth {
            guard containers[index].isObject else {
                path.append(JSONKey(containers[index].count - 1))
                continue
            }
            let next = index + 1 < containers.count ? containers[index + 1].base : members.count
            let member = members[next - 1]
            let text = unsafe output.pointee.elements[
                member.start + 1..<member.start + 1 + member.key
            ]
            path.append(JSONKey(unsafe String(decoding: text, as: UTF8.self)))
        }
        return path
    }
}
