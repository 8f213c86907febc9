/// An e-mail address that mail can be sent to and an account is found by.
///
/// ASCII only, so that lower case means the same to everybody: with Unicode, two addresses that
/// look alike could be two accounts.
struct EmailAddress: Sendable, Hashable, CustomStringConvertible {
    /// As its owner spells it.
    let text: String

    /// RFC 5321 section 4.5.3.1.3, less the angle brackets.
    static let maximumBytes = 254

    /// Nil unless it is a dot-string local part at a domain of two labels or more (RFC 5321
    /// section 4.1.2); quoted local parts and address literals are not for customers.
    init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard text.utf8.count <= Self.maximumBytes, parts.count == 2,
            let local = parts.first, let domain = parts.last,
            Self.isLocalPart(local), Self.isDomain(domain)
        else { return nil }
        self.text = text
    }

    /// What makes two addresses the same account.
    var key: String { text.lowercased() }

    var description: String { text }

    private static func isLocalPart(_ part: Substring.UTF8View) -> Bool {
        part.count <= 64
            && part.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
                .allSatisfy { atom in !atom.isEmpty && atom.allSatisfy(isAtomText) }
    }

    private static func isDomain(_ domain: Substring.UTF8View) -> Bool {
        let labels = domain.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy { label in
                (1...63).contains(label.count)
                    && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
                    && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
            }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// RFC 5322 section 3.2.3.
    private static func isAtomText(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }
}
