/// A Swift text with comments and string contents blanked, so that rules look at code alone.
///
/// Lines and columns stay where they were. Code inside string interpolations is blanked too.
struct SourceMask {
    private let source: [UInt8]
    private var masked: [UInt8]
    private var index = 0

    /// The masked text.
    static func mask(_ text: String) -> String {
        var mask = SourceMask(text)
        mask.run()
        return String(decoding: mask.masked, as: UTF8.self)
    }

    private init(_ text: String) {
        source = Array(text.utf8)
        masked = source
    }

    private mutating func run() {
        while index < source.count {
            let byte = source[index]
            if byte != UInt8(ascii: "/"), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "#") {
                index += 1
            } else if at("//") {
                while index < source.count, source[index] != newline { blank(1) }
            } else if at("/*") {
                blockComment()
            } else if let pounds = stringStart() {
                string(pounds)
            } else {
                index += 1
            }
        }
    }

    /// Block comments nest in Swift.
    private mutating func blockComment() {
        var depth = 0
        while index < source.count {
            if at("/*") {
                depth += 1
                blank(2)
            } else if at("*/") {
                depth -= 1
                blank(2)
                if depth == 0 { return }
            } else {
                blank(1)
            }
        }
    }

    /// The number of `#` before a quote here; nil when no string starts.
    private func stringStart() -> Int? {
        var pounds = 0
        while index + pounds < source.count, source[index + pounds] == UInt8(ascii: "#") {
            pounds += 1
        }
        let quote = index + pounds
        return quote < source.count && source[quote] == UInt8(ascii: "\"") ? pounds : nil
    }

    private mutating func string(_ pounds: Int) {
        let fence = String(repeating: "#", count: pounds)
        index += pounds
        let quotes = at("\"\"\"") ? "\"\"\"" : "\""
        index += quotes.utf8.count
        while index < source.count {
            if at(quotes + fence) {
                index += quotes.utf8.count + pounds
                return
            }
            if at("\\" + fence + "(") {
                blank(2 + pounds)
                interpolation()
            } else if at("\\" + fence) {
                blank(2 + pounds)
            } else {
                blank(1)
            }
        }
    }

    /// Up to the parenthesis that closes the interpolation, strings within it included.
    private mutating func interpolation() {
        var depth = 1
        while index < source.count, depth > 0 {
            if let pounds = stringStart() {
                string(pounds)
                continue
            }
            if at("(") { depth += 1 }
            if at(")") { depth -= 1 }
            blank(1)
        }
    }

    private let newline = UInt8(ascii: "\n")

    private func at(_ text: String) -> Bool {
        var position = index
        for byte in text.utf8 {
            guard position < source.count, source[position] == byte else { return false }
            position += 1
        }
        return true
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where index < source.count {
            if source[index] != newline { masked[index] = UInt8(ascii: " ") }
            index += 1
        }
    }
}
