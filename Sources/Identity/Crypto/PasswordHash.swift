internal import COpenSSL

/// Password hashing by scrypt (RFC 7914), stored as a PHC string.
///
/// Each call takes about 100 ms of a core and 32 MiB: run it on a bounded pool, never on a loop.
public enum PasswordHash {
    /// The cost of new hashes: N = 2^15, r = 8, p = 1.
    static let cost = Cost(logN: 15, blockSize: 8, parallelism: 1)
    private static let saltCount = 16
    private static let hashCount = 32

    struct Cost: Equatable {
        let logN: Int
        let blockSize: Int
        let parallelism: Int
    }

    /// Hashes a password with a new salt: `$scrypt$ln=15,r=8,p=1$SALT$HASH`.
    public static func make(_ password: String) throws(IdentityError) -> String {
        let salt = SecureRandom.bytes(saltCount)
        let hash = try derive(password, salt: salt, cost: cost, count: hashCount)
        return "$scrypt$ln=\(cost.logN),r=\(cost.blockSize),p=\(cost.parallelism)"
            + "$\(Base64.standard.encode(salt))$\(Base64.standard.encode(hash))"
    }

    /// Whether the password is the one that was hashed, compared in constant time.
    ///
    /// Throws `.malformed` if `stored` is no scrypt PHC string or asks for unreasonable work.
    public static func verify(
        _ password: String,
        against stored: String
    ) throws(IdentityError) -> Bool {
        let (cost, salt, hash) = try parse(stored)
        let found = try derive(password, salt: salt, cost: cost, count: hash.count)
        return constantTimeEqual(found, hash)
    }

    /// Does the work of a verification that fails, for an account that does not exist, so that
    /// the time an answer takes does not tell which accounts do.
    public static func verifyAgainstNobody(_ password: String) throws(IdentityError) {
        _ = try derive(
            password,
            salt: [UInt8](repeating: 0x5A, count: saltCount),
            cost: cost,
            count: hashCount
        )
    }

    /// Whether a stored hash was made with other costs than those of today.
    public static func needsRehash(_ stored: String) -> Bool {
        guard let parsed = try? parse(stored) else { return true }
        return parsed.cost != cost || parsed.hash.count != hashCount
    }

    private static func parse(
        _ stored: String
    ) throws(IdentityError) -> (cost: Cost, salt: [UInt8], hash: [UInt8]) {
        let parts = stored.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt",
            let cost = parseCost(parts[2]),
            let salt = Base64.standard.decode(String(parts[3])), (8...64).contains(salt.count),
            let hash = Base64.standard.decode(String(parts[4])), (16...64).contains(hash.count)
        else { throw .malformed("password hash") }
        return (cost, salt, hash)
    }

    /// A stored hash is data: its costs are bounded like any input's.
    private static func parseCost(_ text: Substring) -> Cost? {
        let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0].hasPrefix("ln="), fields[1].hasPrefix("r="),
            fields[2].hasPrefix("p="),
            let logN = Int(fields[0].dropFirst(3)), (1...17).contains(logN),
            let blockSize = Int(fields[1].dropFirst(2)), (1...16).contains(blockSize),
            let parallelism = Int(fields[2].dropFirst(2)), (1...4).contains(parallelism)
        else { return nil }
        return Cost(logN: logN, blockSize: blockSize, parallelism: parallelism)
    }

    static func derive(
        _ password: String,
        salt: [UInt8],
        cost: Cost,
        count: Int
    ) throws(IdentityError) -> [UInt8] {
        let secret = Array(password.utf8).map { CChar(bitPattern: $0) }
        var hash = [UInt8](repeating: 0, count: count)
        // OpenSSL refuses to take more memory than this; what the costs need, and some.
        let memory = UInt64(128 * cost.blockSize) * (1 << UInt64(cost.logN)) + (4 << 20)
        // Unsafe: C reads the two arrays and fills the third, all lent for the call.
        let result = unsafe EVP_PBE_scrypt(
            secret,
            secret.count,
            salt,
            salt.count,
            1 << UInt64(cost.logN),
            UInt64(cost.blockSize),
            UInt64(cost.parallelism),
            memory,
            &hash,
            count
        )
        guard result == 1 else { throw .fromLibrary("scrypt") }
        return hash
    }
}
