internal import HTTP
internal import Identity
internal import Postgres
internal import Synchronization

/// The key ring that this process signs with: a copy of the shared table, looked at again and again.
final class SigningKeys: Sendable {
    private let store: Store<Problem>
    private let keyring = Mutex(Keyring([]))

    /// Starts empty: `refresh` before anything is signed.
    init(_ store: Store<Problem>) { self.store = store }

    /// The key ring as it was last read.
    var current: Keyring { keyring.withLock { $0 } }

    /// Reads the table, and adds a key when it is time for one.
    ///
    /// Replicas that find so at once wait for each other: the first makes the key, the others
    /// read it.
    func refresh(now: Int64) async throws(Problem) {
        var fresh = try Self.keyring(try await store.all(SelectSigningKeys(now: now)))
        if fresh.needsKey(at: now) {
            fresh = try await store.transaction { transaction throws(Problem) in
                try await transaction.run(LockSigningKeys())
                let shared = try Self.keyring(
                    try await transaction.all(SelectSigningKeys(now: now))
                )
                guard shared.needsKey(at: now) else { return shared }
                let entry = try Self.makeEntry(now: now)
                try await transaction.run(entry.statement)
                return Keyring(shared.entries + [entry.entry])
            }
        }
        let result = fresh
        keyring.withLock { $0 = result }
    }

    private static func makeEntry(
        now: Int64
    ) throws(Problem) -> (entry: Keyring.Entry, statement: InsertSigningKey) {
        do throws(IdentityError) {
            let key = try SigningKey.generate()
            let notAfter = now + Keyring.lifetime
            let statement = InsertSigningKey(
                id: key.id,
                privateKey: try key.der(),
                createdAt: now,
                notAfter: notAfter
            )
            return (Keyring.Entry(key: key, createdAt: now, notAfter: notAfter), statement)
        } catch {
            throw .internalError
        }
    }

    private static func keyring(_ rows: [StoredKey]) throws(Problem) -> Keyring {
        var entries: [Keyring.Entry] = []
        for row in rows {
            // A row that cannot be read is a fault to be told, not to be signed around.
            guard let key = try? SigningKey(der: row.privateKey) else { throw .internalError }
            entries.append(
                Keyring.Entry(key: key, createdAt: row.createdAt, notAfter: row.notAfter)
            )
        }
        return Keyring(entries)
    }
}
