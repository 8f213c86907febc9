internal import COpenSSL

/// Why keys, hashes or certificates could not be made or read; no case carries a secret.
public enum IdentityError: Error, Equatable, CustomStringConvertible {
    /// The bytes are not what they should be: a key of another kind, broken PEM, bad PHC string.
    case malformed(String)
    /// OpenSSL refused or is out of memory.
    case library(String)
    /// A file could not be written or read.
    case file(path: String, reason: String)

    /// One line for people.
    public var description: String {
        switch self {
        case .malformed(let what): "malformed \(what)"
        case .library(let reason): "OpenSSL: \(reason)"
        case .file(let path, let reason): "\(path): \(reason)"
        }
    }

    /// What the calling thread's OpenSSL error queue says, emptying it.
    static func fromLibrary(_ call: String) -> IdentityError {
        var text = [CChar](repeating: 0, count: 256)
        var first: String?
        // Unsafe: C writes into a local buffer of the size it is told.
        while unsafe text.withUnsafeMutableBufferPointer({
            unsafe anyway_take_error($0.baseAddress, $0.count)
        }) != 0 {
            first =
                first
                ?? String(
                    decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
                    as: UTF8.self
                )
        }
        return .library("\(call): \(first ?? "failed")")
    }
}
