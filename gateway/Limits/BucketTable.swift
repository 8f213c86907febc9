internal import Synchronization

/// Token buckets by key, bounded in number and split over several locks.
///
/// For a newcomer to a full shard a bucket that is full again is forgotten, which nobody can tell; if
/// none is among those looked at, the fullest of them. Who floods keeps an empty bucket that way,
/// however many others come, and whoever is forgotten is given the least.
final class BucketTable<Key: Hashable & Sendable>: Sendable {
    private struct Slot {
        var key: Key
        var bucket: TokenBucket
    }

    private struct Shard {
        var places: [Key: Int32] = [:]
        var slots: [Slot] = []
        /// Where the next victim is looked for.
        var hand = 0
    }

    /// A lock of its own for each shard, which an array cannot hold.
    private final class Cell: Sendable {
        let shard = Mutex(Shard())
    }

    /// How many buckets are looked at for a victim.
    private static var looks: Int { 16 }

    let policy: TokenBucket.Policy
    private let cells: [Cell]
    private let limit: Int

    /// A table of at most about `limit` buckets.
    init(_ policy: TokenBucket.Policy, limit: Int = 65_536, shards: Int = 16) {
        self.policy = policy
        self.limit = max(1, limit / shards)
        cells = (0..<shards).map { _ in Cell() }
    }

    /// Asks the key's bucket for one request.
    ///
    /// - Parameter gateways: how many share the limit.
    func take(_ key: Key, gateways: Int = 1, at now: Int64) -> TokenBucket.Decision {
        let cell = cells[Int(UInt(bitPattern: key.hashValue) % UInt(cells.count))]
        return cell.shard.withLock { shard in
            if let place = shard.places[key] {
                return shard.slots[Int(place)].bucket.take(policy, gateways: gateways, at: now)
            }
            var slot = Slot(key: key, bucket: TokenBucket())
            let decision = slot.bucket.take(policy, gateways: gateways, at: now)
            if shard.slots.count < limit {
                shard.places[key] = Int32(shard.slots.count)
                shard.slots.append(slot)
            } else {
                let victim = Self.victim(in: &shard, at: now)
                shard.places[shard.slots[victim].key] = nil
                shard.places[key] = Int32(victim)
                shard.slots[victim] = slot
            }
            return decision
        }
    }

    /// How many buckets there are.
    var count: Int { cells.reduce(0) { $0 + $1.shard.withLock { $0.slots.count } } }

    /// The most buckets there can be.
    var capacity: Int { limit * cells.count }

    /// The bytes that the table takes, without what keys hold outside of themselves.
    var bytes: Int {
        cells.reduce(0) { sum, cell in
            sum
                + cell.shard.withLock { shard in
                    // A dictionary is filled to three quarters of a power of two.
                    var places = 1
                    while places * 3 / 4 < shard.places.capacity { places *= 2 }
                    let entry = MemoryLayout<Key>.stride + MemoryLayout<Int32>.stride
                    return shard.slots.capacity * MemoryLayout<Slot>.stride
                        + places * entry + places / 8
                }
        }
    }

    private static func victim(in shard: inout Shard, at now: Int64) -> Int {
        var victim = shard.hand % shard.slots.count
        for look in 0..<min(looks, shard.slots.count) {
            let place = (shard.hand + look) % shard.slots.count
            if shard.slots[place].bucket.isFuller(than: shard.slots[victim].bucket) {
                victim = place
            }
            guard !shard.slots[place].bucket.isFull(at: now) else {
                shard.hand = (place + 1) % shard.slots.count
                return place
            }
        }
        shard.hand = (shard.hand + looks) % shard.slots.count
        return victim
    }
}
