/// Kept answers by key, bounded in bytes: what was not used for longest goes first.
///
/// Pure. A key has a slot with its variants; slots form a list in the order of use, by their numbers, so
/// that using one moves two links and allocates nothing.
struct CacheShard {
    private struct Slot {
        var key: CacheKey
        var variants: [StoredResponse]
        var cost: Int
        var older = CacheShard.none
        var newer = CacheShard.none
    }

    /// No slot.
    private static let none = -1
    /// What a slot takes beside its key and variants: itself and its place in the dictionary.
    private static let slotCost = 160
    /// The most variants of a key; a `Vary` on something that never repeats must not fill the cache.
    private static let variantLimit = 16

    let capacity: Int
    private(set) var bytes = 0
    /// Answers, variants counted one by one.
    private(set) var count = 0
    /// Slots that made way for others.
    private(set) var evictions = 0
    private var index: [CacheKey: Int] = [:]
    private var slots: [Slot?] = []
    private var free: [Int] = []
    private var oldest = CacheShard.none
    private var newest = CacheShard.none

    /// An empty shard that holds up to so many bytes.
    init(capacity: Int) { self.capacity = capacity }

    /// The variants kept for a key, the latest first; the slot is the last to go from now on.
    mutating func find(_ key: CacheKey) -> [StoredResponse] {
        guard let number = index[key], let slot = slots[number] else { return [] }
        if number != newest {
            unlink(number)
            link(number)
        }
        return slot.variants
    }

    /// Keeps an answer in place of the one for the same variant.
    ///
    /// - Returns: whether there was room for it at all.
    @discardableResult
    mutating func insert(_ response: StoredResponse, for key: CacheKey) -> Bool {
        let others = variants(of: key).filter { $0.variant != response.variant }
        return replace(key, [response] + others.prefix(Self.variantLimit - 1))
    }

    /// Forgets one variant, if it is still this very answer.
    mutating func remove(_ response: StoredResponse, for key: CacheKey) {
        let kept = variants(of: key)
        guard kept.contains(where: { $0 === response }) else { return }
        _ = replace(key, kept.filter { $0 !== response })
    }

    /// Forgets the keys of which it is said so; how many answers those were.
    mutating func removeAll(where isGone: (CacheKey) -> Bool) -> Int {
        let before = count
        for key in index.keys.filter(isGone) { _ = replace(key, []) }
        return before - count
    }

    private func variants(of key: CacheKey) -> [StoredResponse] {
        index[key].flatMap { slots[$0]?.variants } ?? []
    }

    private mutating func replace(_ key: CacheKey, _ variants: [StoredResponse]) -> Bool {
        drop(key)
        guard !variants.isEmpty else { return true }
        var variants = variants
        var cost = Self.cost(key, variants)
        while cost > capacity, variants.count > 1 {
            variants.removeLast()
            cost = Self.cost(key, variants)
        }
        guard cost <= capacity else { return false }
        while bytes + cost > capacity, oldest != Self.none, let slot = slots[oldest] {
            drop(slot.key)
            evictions += 1
        }
        let slot = Slot(key: key, variants: variants, cost: cost)
        let number = free.popLast() ?? slots.count
        if number == slots.count { slots.append(slot) } else { slots[number] = slot }
        index[key] = number
        bytes += cost
        count += variants.count
        link(number)
        return true
    }

    private static func cost(_ key: CacheKey, _ variants: [StoredResponse]) -> Int {
        // The key's bytes are shared by slot and dictionary.
        variants.reduce(slotCost + key.bytes.count) { $0 + $1.cost }
    }

    private mutating func drop(_ key: CacheKey) {
        guard let number = index.removeValue(forKey: key), let slot = slots[number] else { return }
        unlink(number)
        bytes -= slot.cost
        count -= slot.variants.count
        slots[number] = nil
        free.append(number)
    }

    // MARK: The order of use

    private mutating func unlink(_ number: Int) {
        guard let slot = slots[number] else { return }
        if slot.older == Self.none {
            oldest = slot.newer
        } else {
            slots[slot.older]?.newer = slot.newer
        }
        if slot.newer == Self.none {
            newest = slot.older
        } else {
            slots[slot.newer]?.older = slot.older
        }
    }

    private mutating func link(_ number: Int) {
        slots[number]?.older = newest
        slots[number]?.newer = Self.none
        if newest == Self.none { oldest = number } else { slots[newest]?.newer = number }
        newest = number
    }
}
