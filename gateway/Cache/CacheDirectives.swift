/// The directives of `Cache-Control` fields (RFC 9111 section 5.2), or of a targeted field that takes
/// their place (RFC 9213).
struct CacheDirectives: Sendable, Equatable {
    /// By name in lower case; of two that say different things the first one counts (section 4.2.1).
    private var arguments: [String: String?] = [:]

    static let none = CacheDirectives([])

    /// Reads all values of the field; a member that is no directive is passed over.
    init(_ values: [String]) {
        for value in values {
            for member in Self.members(of: value) { add(member) }
        }
    }

    /// Reads a targeted field, which is a dictionary of RFC 9651.
    ///
    /// - Returns: nil when it is malformed or empty: then it is as if it were not there (RFC 9213 section 2.1).
    init?(targeted values: [String]) {
        guard let members = TargetedField.members(values.joined(separator: ",")), !members.isEmpty
        else { return nil }
        for (name, value) in members {
            switch value {
            case .flag(false): continue
            case .flag(true): arguments[name] = .some(nil)
            case .integer(let number): arguments[name] = "\(number)"
            case .text(let text): arguments[name] = text
            }
        }
        // An age that is no whole number says nothing that could be obeyed.
        for name in Self.deltas {
            switch members[name] {
            case nil, .integer: continue
            case .flag, .text: return nil
            }
        }
    }

    private static let deltas = [
        "max-age", "s-maxage", "stale-while-revalidate", "stale-if-error",
    ]

    func contains(_ name: String) -> Bool { arguments[name] != nil }

    /// The argument; nil when there is none, or no such directive.
    func argument(_ name: String) -> String? { arguments[name] ?? nil }

    /// A number of seconds; nil when there is none, or one that is malformed.
    func seconds(_ name: String) -> Int64? { argument(name).flatMap(Self.seconds) }

    /// The fields that a directive is about, as in `private="set-cookie"`; nil when it is about all.
    func fields(_ name: String) -> [String]? {
        guard let argument = argument(name), !argument.isEmpty else { return nil }
        return argument.split(separator: ",").map { Self.trimmed($0).lowercased() }
    }

    /// Whether the directive is there and about the whole response.
    func isUnqualified(_ name: String) -> Bool { contains(name) && fields(name) == nil }

    /// Seconds as RFC 9111 section 1.2.2 spells them; what is beyond 2^31 is 2^31.
    static func seconds(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return min(Int64(text) ?? limit, limit)
    }

    private static let limit: Int64 = 1 << 31

    // MARK: Reading

    private mutating func add(_ member: Substring) {
        let equals = member.firstIndex(of: "=")
        let name = member[..<(equals ?? member.endIndex)].lowercased()
        guard !name.isEmpty, !name.contains(where: { " \t\"".contains($0) }),
            arguments[name] == nil
        else { return }
        guard let equals else {
            arguments[name] = .some(nil)
            return
        }
        arguments[name] = Self.unquoted(member[equals...].dropFirst())
    }

    /// The members between commas that are not inside of quotes.
    static func members(of text: String) -> [Substring] {
        var members: [Substring] = []
        var start = text.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in text.indices {
            switch text[index] {
            case _ where isEscaped: isEscaped = false
            case "\\" where isQuoted: isEscaped = true
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                members.append(trimmed(text[start..<index]))
                start = text.index(after: index)
            default: break
            }
        }
        members.append(trimmed(text[start...]))
        return members.filter { !$0.isEmpty }
    }

    private static func unquoted(_ text: Substring) -> String {
        guard text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else {
            return String(text)
        }
        return text.dropFirst().dropLast().split(
            separator: "\\",
            omittingEmptySubsequences: false
        ).joined()
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}

/// Reads a dictionary of RFC 9651, as far as directives of caches use its types.
enum TargetedField {
    enum Value: Equatable {
        case flag(Bool)
        case integer(Int64)
        case text(String)
    }

    /// The members, the last of each name; nil when the field is malformed.
    static func members(_ text: String) -> [String: Value]? {
        var members: [String: Value] = [:]
        var scanner = Scanner(rest: text[...])
        scanner.skipBlanks()
        while !scanner.rest.isEmpty {
            guard let name = scanner.key() else { return nil }
            var value = Value.flag(true)
            if scanner.take("=") {
                guard let item = scanner.item() else { return nil }
                value = item
            }
            while scanner.take(";") {
                scanner.skipSpaces()
                guard scanner.key() != nil else { return nil }
                if scanner.take("="), scanner.item() == nil { return nil }
            }
            members[name] = value
            scanner.skipBlanks()
            if scanner.rest.isEmpty { return members }
            guard scanner.take(",") else { return nil }
            scanner.skipBlanks()
            if scanner.rest.isEmpty { return nil }
        }
        return members
    }

    private struct Scanner {
        var rest: Substring

        mutating func skipSpaces() { rest = rest.drop { $0 == " " } }

        mutating func skipBlanks() { rest = rest.drop { $0 == " " || $0 == "\t" } }

        mutating func take(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }

        private mutating func takeAll(_ belongs: (Character) -> Bool) -> Substring {
            let taken = rest.prefix(while: belongs)
            rest = rest[taken.endIndex...]
            return taken
        }

        mutating func key() -> String? {
            guard let first = rest.first, first == "*" || first.isLowerLetter else { return nil }
            return String(takeAll { $0.isLowerLetter || $0.isDigit || "_-.*".contains($0) })
        }

        mutating func item() -> Value? {
            guard let first = rest.first else { return nil }
            switch first {
            case "?":
                rest.removeFirst()
                if take("1") { return .flag(true) }
                return take("0") ? .flag(false) : nil
            case "\"": return string()
            case "-": return number()
            case _ where first.isDigit: return number()
            case _ where first.isLetter || first == "*":
                return .text(String(takeAll { $0.isASCII && !" \t,;=\"()".contains($0) }))
            default: return nil
            }
        }

        private mutating func number() -> Value? {
            let isNegative = take("-")
            let digits = takeAll(\.isDigit)
            guard (1...15).contains(digits.count), let number = Int64(digits) else { return nil }
            guard take(".") else { return .integer(isNegative ? -number : number) }
            let fraction = takeAll(\.isDigit)
            guard digits.count <= 12, (1...3).contains(fraction.count) else { return nil }
            return .text("\(isNegative ? "-" : "")\(digits).\(fraction)")
        }

        private mutating func string() -> Value? {
            rest.removeFirst()
            var text = ""
            while let next = rest.popFirst() {
                switch next {
                case "\"": return .text(text)
                case "\\":
                    guard let escaped = rest.popFirst(), "\"\\".contains(escaped) else {
                        return nil
                    }
                    text.append(escaped)
                default: text.append(next)
                }
            }
            return nil
        }
    }
}

extension Character {
    fileprivate var isLowerLetter: Bool { ("a"..."z").contains(self) }
    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
}
