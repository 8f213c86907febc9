internal import COpenSSL
internal import Glibc

/// Why a TLS context could not be made; no case carries key material.
public enum TLSError: Error, Equatable, CustomStringConvertible {
    /// A PEM file is missing, unreadable, or not what it should be.
    case file(path: String, reason: String)
    /// The private key does not belong to the certificate.
    case keyMismatch(certificate: String, key: String)
    /// The configuration lacks a file that this role needs.
    case missing(String)
    /// OpenSSL refused a setting or is out of memory.
    case library(String)

    /// One line for people.
    public var description: String {
        switch self {
        case .file(let path, let reason): "\(path): \(reason)"
        case .keyMismatch(let certificate, let key):
            "\(key) is not the private key of \(certificate)"
        case .missing(let what): "TLS needs \(what)"
        case .library(let reason): "OpenSSL: \(reason)"
        }
    }
}

/// The calling thread's queue of OpenSSL errors.
///
/// `unsafe`: C writes into a local buffer of the size it is told, always closing it with a zero.
enum OpenSSLErrors {
    /// Empties the queue, so that what is found in it afterwards belongs to the next call.
    static func clear() { ERR_clear_error() }

    /// Takes everything queued: the reasons joined for people, and the oldest reason's number.
    static func take() -> (text: String?, reason: Int32) {
        var reasons: [String] = []
        var first: Int32 = 0
        var text = [CChar](repeating: 0, count: 256)
        while true {
            let code = unsafe text.withUnsafeMutableBufferPointer { buffer in
                unsafe anyway_take_error(buffer.baseAddress, buffer.count)
            }
            guard code != 0 else { break }
            if reasons.isEmpty { first = anyway_error_reason(code) }
            // A failing call queues one entry per layer; three say enough.
            if reasons.count < 3 { reasons.append(string(text)) }
        }
        return (reasons.isEmpty ? nil : reasons.joined(separator: ": "), first)
    }

    /// What `errno` means.
    static func system(_ code: Int32) -> String {
        unsafe strerror(code).map { unsafe String(cString: $0) } ?? "errno \(code)"
    }

    /// The text before the zero byte.
    static func string(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
