/// Finds what is wrong with JSON that did not decode (RFC 8259).
///
/// FoundationEssentials says only that something was; a client wants to know where. This runs when
/// decoding has failed, so it need not be fast, only right and bounded.
struct JSONCheck {
    enum Verdict: Equatable {
        /// The text stops being JSON at this place.
        case malformed(line: Int, column: Int)
        /// What opens at this place lies within too much else.
        case tooDeep(line: Int, column: Int)
        /// The text is JSON; the number at this pointer is no 64-bit integer.
        case oddNumber(pointer: String)
        /// The text is JSON, and all its numbers are 64-bit integers.
        case plain
    }

    private struct Malformed: Error {}

    private let bytes: [UInt8]
    private var index = 0
    private var path: [String] = []
    private var oddNumber: String?
    private var isTooDeep = false
    /// A pointer that is looked for, and where its value begins.
    private var wanted: (pointer: String, index: Int?)?

    static func verdict(on bytes: [UInt8]) -> Verdict {
        var check = JSONCheck(bytes: bytes)
        do throws(Malformed) {
            try check.value()
            check.space()
            if check.index == bytes.count, String(validating: bytes, as: UTF8.self) != nil {
                return check.oddNumber.map { .oddNumber(pointer: $0) } ?? .plain
            }
        } catch {}
        let before = bytes.prefix(check.index)
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let line = before.count { $0 == 0x0A } + 1
        let column = check.index - lineStart + 1
        return check.isTooDeep
            ? .tooDeep(line: line, column: column) : .malformed(line: line, column: column)
    }

    /// Whether text that nobody has looked at may be given to a reader that calls itself for each level.
    ///
    /// What is nested in text that is no JSON counts as well. NUL is in no JSON (RFC 8259 §7), but in all
    /// UTF-16 and UTF-32, in which half a character would pass for a bracket or a quote: such text is
    /// refused, since JSON between systems must be UTF-8 (§8.1).
    static func isShallow(_ bytes: [UInt8]) -> Bool {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            switch byte {
            case 0x00: return false
            case _ where isEscaped: isEscaped = false
            case 0x5C: isEscaped = isInString
            case 0x22: isInString.toggle()
            case 0x5B where !isInString, 0x7B where !isInString:
                depth += 1
                if depth > JSON.mostLevels { return false }
            case 0x5D where !isInString, 0x7D where !isInString: depth -= 1
            default: break
            }
        }
        return true
    }

    /// Where the value at a pointer (RFC 6901) begins, as a line counted from 1; nil when the text has no
    /// such place.
    static func line(of pointer: String, in bytes: [UInt8]) -> Int? {
        var check = JSONCheck(bytes: bytes)
        check.wanted = (pointer, nil)
        try? check.value()
        guard let index = check.wanted?.index else { return nil }
        return bytes.prefix(index).count { $0 == 0x0A } + 1
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var pointer: String { path.map { "/" + $0 }.joined() }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func space() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    private mutating func require(_ text: String) throws(Malformed) {
        for byte in text.utf8 where !take(byte) { throw Malformed() }
    }

    private mutating func value() throws(Malformed) {
        space()
        if let wanted, wanted.index == nil, wanted.pointer == pointer { self.wanted?.index = index }
        switch next {
        case 0x7B, 0x5B:
            isTooDeep = path.count >= JSON.mostLevels
            if isTooDeep { throw Malformed() }
            if next == 0x7B { try object() } else { try array() }
        case 0x22: _ = try string()
        case 0x74: try require("true")
        case 0x66: try require("false")
        case 0x6E: try require("null")
        default: try number()
        }
    }

    private mutating func object() throws(Malformed) {
        try require("{")
        space()
        if take(0x7D) { return }
        repeat {
            space()
            path.append(JSONPointer.escape(try string()))
            space()
            try require(":")
            try value()
            path.removeLast()
            space()
        } while take(0x2C)
        try require("}")
    }

    private mutating func array() throws(Malformed) {
        try require("[")
        space()
        if take(0x5D) { return }
        var element = 0
        repeat {
            path.append(String(element))
            try value()
            path.removeLast()
            element += 1
            space()
        } while take(0x2C)
        try require("]")
    }

    /// A string's text with its escapes left as they are: good enough to name a member.
    private mutating func string() throws(Malformed) -> String {
        try require("\"")
        let start = index
        while let byte = next, byte != 0x22 {
            guard byte >= 0x20 else { throw Malformed() }
            index += 1
            if byte == 0x5C { try escape() }
        }
        try require("\"")
        return String(decoding: bytes[start..<index - 1], as: UTF8.self)
    }

    private mutating func escape() throws(Malformed) {
        guard let byte = next else { throw Malformed() }
        if take(0x75) {
            for _ in 0..<4 {
                guard let digit = next, ByteClass.hexValue(digit) != nil else { throw Malformed() }
                index += 1
            }
        } else if "\"\\/bfnrt".utf8.contains(byte) {
            index += 1
        } else {
            throw Malformed()
        }
    }

    private mutating func number() throws(Malformed) {
        let start = index
        _ = take(0x2D)
        if !take(0x30) { try digits() }
        if take(0x2E) { try digits() }
        if take(0x65) || take(0x45) {
            _ = take(0x2B) || take(0x2D)
            try digits()
        }
        if oddNumber == nil, Int64(String(decoding: bytes[start..<index], as: UTF8.self)) == nil {
            oddNumber = pointer
        }
    }

    private mutating func digits() throws(Malformed) {
        guard let first = next, ByteClass.isDigit(first) else { throw Malformed() }
        while let byte = next, ByteClass.isDigit(byte) { index += 1 }
    }
}

/// JSON pointers (RFC 6901 §3).
public enum JSONPointer {
    /// A name as part of a pointer.
    public static func escape(_ name: String) -> String {
        name.replacing("~", with: "~0").replacing("/", with: "~1")
    }
}
