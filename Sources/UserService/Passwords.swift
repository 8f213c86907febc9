internal import HTTP
internal import Identity
internal import Reactor

/// Hashes and checks passwords on threads of their own, as many at once as there are threads.
///
/// Each hash takes about 100 ms of a core and 32 MiB, so what would wait too long is refused at
/// once: a flood of sign-ins must not hold up everybody else, nor pile up memory.
struct Passwords: Sendable {
    private let pool: BlockingPool

    /// Two threads, and as much waiting work as they do in about two seconds.
    init(pool: BlockingPool = BlockingPool(name: "scrypt", maxThreads: 2, maxQueued: 40)) {
        self.pool = pool
    }

    /// A new hash for the password, as a PHC string.
    func hash(_ password: String) async throws(Problem) -> String {
        try await run { () throws(IdentityError) in try PasswordHash.make(password) }
    }

    /// Whether the password is the account's; false without an account, after the same work.
    func matches(_ password: String, _ account: Account?) async throws(Problem) -> Bool {
        let stored = account?.passwordHash
        return try await run { () throws(IdentityError) in
            guard let stored else {
                try PasswordHash.verifyAgainstNobody(password)
                return false
            }
            return try PasswordHash.verify(password, against: stored)
        }
    }

    private func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(IdentityError) -> Value
    ) async throws(Problem) -> Value {
        let deadline = Deadline.current
        let result: Result<Value, IdentityError>?
        do throws(SocketError) {
            result = try await pool.run { () -> Result<Value, IdentityError>? in
                // Nobody waits for it any more.
                guard !deadline.hasPassed else { return nil }
                return Result { () throws(IdentityError) in try work() }
            }
        } catch {
            throw .unavailable("too many people are signing in", retryAfter: .seconds(2))
        }
        switch result {
        case .success(let value): return value
        case .failure: throw .internalError
        case nil: throw .unavailable("the deadline has passed", retryAfter: .seconds(1))
        }
    }
}
