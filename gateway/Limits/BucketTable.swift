internal import Synchronization

/// Token buckets by key, bounded in number and split over several locks.
///
/// A full shard first forgets buckets that are full again, and when there is none, any: an attacker
/// with a hundred thousand addresses gets fresh buckets, but not the process's memory.
final class BucketTable<Key: Hashable & Sendable>: Sendable {
    private struct Shard {
        var buckets: [Key: TokenBucket] = [:]
        var nextSweep: Int64 = .min
    }

    /// A lock of its own for each shard, which an array cannot hold.
    private final class Cell: Sendable {
        let shard = Mutex(Shard())
    }

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
    func take(_ key: Key, at now: Int64) -> TokenBucket.Decision {
        let cell = cells[Int(UInt(bitPattern: key.hashValue) % UInt(cells.count))]
        return cell.shard.withLock { shard in
            if let decision = shard.buckets[key]?.take(policy, at: now) { return decision }
            makeRoom(in: &shard, at: now)
            var bucket = TokenBucket()
            defer { shard.buckets[key] = bucket }
            return bucket.take(policy, at: now)
        }
    }

    /// How many buckets there are.
    var count: Int { cells.reduce(0) { $0 + $1.shard.withLock { $0.buckets.count } } }

    private func makeRoom(in shard: inout Shard, at now: Int64) {
        guard shard.buckets.count >= limit else { return }
        if now >= shard.nextSweep {
            // Once a second at most: looking at all of them for every newcomer would be the attack.
            shard.nextSweep = now + 1_000_000_000
            shard.buckets = shard.buckets.filter { !$0.value.isFull(at: now) }
        }
        if shard.buckets.count >= limit, let any = shard.buckets.first?.key {
            shard.buckets[any] = nil
        }
    }
}
