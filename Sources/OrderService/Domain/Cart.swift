internal import Contracts
internal import Messaging

/// A customer's cart: a value that many may change apart from each other and merge in any order, any
/// number of times, to the same result (a CRDT).
///
/// Each product is a register of its own whose latest write counts; taking a product out is a write of
/// zero pieces, which must be remembered for as long as an older write may still arrive. `settled` bounds
/// that time: up to there everything counts as arrived. An older write that comes later comes too late,
/// so a removal that is settled can be forgotten, and nothing that it removed ever comes back.
///
/// In terms of order theory: per product, (how far this cart knows, what it holds) is totally ordered,
/// and merging is the maximum of each.
struct Cart: Sendable, Hashable {
    /// What a product's latest write said.
    struct Entry: Sendable, Hashable, Comparable {
        /// Zero for one that was taken out.
        let quantity: Int64
        let stamp: CartStamp

        /// The later write is the greater one.
        ///
        /// One device with two writes of one reading is a fault of its own; the larger quantity is kept.
        static func < (left: Entry, right: Entry) -> Bool {
            (left.stamp, left.quantity) < (right.stamp, right.quantity)
        }
    }

    /// The most products in a cart.
    static let maxLines = Checkout.maxLines
    /// The most pieces of a product.
    static let maxQuantity = Checkout.maxQuantity
    /// The most removals that are remembered.
    static let maxRemoved = 200
    /// For how long a removal is remembered, if there are not too many: how long a device may be away
    /// and still have its writes counted.
    static let memoryMilliseconds: Int64 = 30 * 24 * 3600 * 1000

    private(set) var entries: [ProductID: Entry]
    /// Everything written up to this reading is here, or was overwritten, or comes too late.
    private(set) var settled: HybridLogicalClock.Reading

    /// A cart with these entries; removals that are settled are left out.
    init(
        _ entries: [ProductID: Entry] = [:],
        settled: HybridLogicalClock.Reading = 0
    ) {
        self.entries = entries.filter { $0.value.quantity > 0 || $0.value.stamp.reading > settled }
        self.settled = settled
    }

    // MARK: Reading

    /// The products in it, by id.
    var lines: [(product: ProductID, entry: Entry)] {
        entries.filter { $0.value.quantity > 0 }.sorted { $0.key < $1.key }
            .map { (product: $0.key, entry: $0.value) }
    }

    /// The products that were taken out, as far as that is remembered.
    var removed: [(product: ProductID, entry: Entry)] {
        entries.filter { $0.value.quantity == 0 }.sorted { $0.key < $1.key }
            .map { (product: $0.key, entry: $0.value) }
    }

    /// The latest reading it has seen.
    var latest: HybridLogicalClock.Reading {
        entries.values.reduce(settled) { max($0, $1.stamp.reading) }
    }

    /// The stamp of a write that is made now, which is later than all that were seen.
    ///
    /// - Parameter wall: milliseconds since 1970, as this machine believes.
    func stamp(_ device: String = CartStamp.shop, wall: Int64) -> CartStamp {
        var clock = HybridLogicalClock()
        clock.receive(latest, wall: HybridLogicalClock.milliseconds(of: latest))
        return CartStamp(clock.tick(wall: wall), device)
    }

    // MARK: Changing

    /// Sets how many pieces of a product there are; zero takes it out.
    mutating func set(_ product: ProductID, to quantity: Int64, at stamp: CartStamp) {
        guard quantity > 0 || (entries[product]?.quantity ?? 0) > 0 else { return }
        entries[product] = Entry(quantity: quantity, stamp: stamp)
    }

    /// Takes everything out.
    mutating func clear(at stamp: CartStamp) {
        for (product, _) in lines { set(product, to: 0, at: stamp) }
    }

    /// Takes in another cart, or what has changed in one.
    mutating func merge(_ other: Cart) {
        var merged: [ProductID: Entry] = [:]
        for product in Set(entries.keys).union(other.entries.keys) {
            merged[product] =
                knowledge(of: product) < other.knowledge(of: product)
                ? other.entries[product] : entries[product]
        }
        self = Cart(merged, settled: max(settled, other.settled))
    }

    /// Forgets removals that are older than the memory, or too many.
    ///
    /// - Parameter wall: milliseconds since 1970, as this machine believes.
    mutating func forget(wall: Int64) {
        let readings = removed.map(\.entry.stamp.reading).sorted()
        let horizon = max(0, wall - Self.memoryMilliseconds) << 16
        let old = readings.last { $0 <= horizon }
        let surplus = readings.dropLast(Self.maxRemoved).last
        guard let reading = [old, surplus].compactMap(\.self).max() else { return }
        self = Cart(entries, settled: max(settled, reading))
    }

    // MARK: What is known

    /// How much a cart knows about a product; of two, the one that knows more is right.
    private struct Knowledge: Comparable {
        /// Up to which reading: the latest write's, or all that is settled.
        let reading: HybridLogicalClock.Reading
        /// Whether that includes every write of this very reading.
        let isSettled: Bool
        let entry: Entry?

        static func < (left: Knowledge, right: Knowledge) -> Bool {
            if left.reading != right.reading { return left.reading < right.reading }
            if left.isSettled != right.isSettled { return right.isSettled }
            guard let entry = right.entry else { return false }
            return left.entry.map { $0 < entry } ?? true
        }
    }

    private func knowledge(of product: ProductID) -> Knowledge {
        let entry = entries[product]
        let reading = max(settled, entry?.stamp.reading ?? settled)
        return Knowledge(reading: reading, isSettled: reading == settled, entry: entry)
    }
}
