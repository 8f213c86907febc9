import FoundationEssentials
import Testing

@testable import HTTP

/// Our text is that of `JSONEncoder`, byte for byte but for the case of `\u001F`, which yajl writes in
/// capitals.
@Suite struct JSONTextTests {
    private struct Everything: Encodable {
        var zebra = "last"
        var apple: String? = nil
        var pear: String? = "with \"quotes\", \\ and / and \u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}"
        var unicode = "grüße 世界 👋🏽 \u{2028} e\u{301}"
        var numbers = [Int.min, -1, 0, 7, 10, 99, 100, Int.max]
        var unsigned = UInt64.max
        var small: [Int8] = [-128, 127]
        var doubles = [
            0, -0.0, 1, 0.1, 1e15, 1e16, 1e21, .leastNonzeroMagnitude, 1.7976931348623157e308, .pi,
        ]
        var floats: [Float] = [0.1, 16_777_216, 3.4e38]
        var bools = [true, false]
        var date = Date(timeIntervalSince1970: 1_700_000_000.123)
        var data = Data([0, 1, 254, 255])
        var url = URL(string: "https://example.org/a?b=c")
        var decimal = Decimal(string: "12345678901234567890.05")
        var id = UUID(uuidString: "0192F0C1-7A3E-7C55-8A51-3F1F0C0DE5A1")
        var nested = ["b": ["x": [1, 2]], "a": [:], "": ["": []]]
        var byNumber = [2: "two"]
        var nothing: [String] = []
        var holes: [Int?] = [1, nil, 3]
        var optional: Int?? = .some(nil)
    }

    /// Encodes itself in the ways that synthesised code does not.
    private struct ByHand: Encodable {
        enum Key: String, CodingKey { case b, a, list, inner, other, twice }
        class Base: Encodable {
            let base = 1
        }
        struct Silent: Encodable { func encode(to encoder: any Encoder) {} }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(1, forKey: .twice)
            var list = container.nestedUnkeyedContainer(forKey: .list)
            var inner = container.nestedContainer(keyedBy: Key.self, forKey: .inner)
            try list.encode("one")
            try inner.encode(2, forKey: .b)
            try container.encodeNil(forKey: .b)
            try list.encodeNil()
            try inner.encode(1, forKey: .a)
            var deep = list.nestedContainer(keyedBy: Key.self)
            try deep.encode(Silent(), forKey: .a)
            var row = list.nestedUnkeyedContainer()
            try row.encode(UInt8(3))
            try Base().encode(to: container.superEncoder())
            try Base().encode(to: container.superEncoder(forKey: .other))
            try Base().encode(to: list.superEncoder())
            try container.encode(2, forKey: .twice)
            // The same container once more.
            var again = encoder.container(keyedBy: Key.self)
            try again.encode("again", forKey: .a)
        }
    }

    /// Says what it holds in an order in which no text can be written.
    private struct Jumbled: Encodable {
        enum Key: String, CodingKey { case outer, inner, late, kept }
        let order: Int

        func encode(to encoder: any Encoder) throws {
            var outer = encoder.container(keyedBy: Key.self)
            switch order {
            case 0:  // A container that has ended gets another member.
                var inner = outer.nestedContainer(keyedBy: Key.self, forKey: .inner)
                try inner.encode(1, forKey: .inner)
                try outer.encode(2, forKey: .outer)
                try inner.encode(3, forKey: .late)
            case 1:  // The same for elements, which are counted all the same.
                var inner = outer.nestedUnkeyedContainer(forKey: .inner)
                try outer.encode(2, forKey: .outer)
                while inner.count < 3 { try? inner.encode("element") }
            case 2:  // A place is filled behind its neighbour.
                let late = outer.superEncoder(forKey: .late)
                try outer.encode(2, forKey: .outer)
                try "late".encode(to: late)
            case 3:  // A key twice, with another one between, and behind a greater one.
                try outer.encode(1, forKey: .late)
                try outer.encode(2, forKey: .inner)
                try outer.encode(3, forKey: .late)
            case 4:  // The same side by side.
                try outer.encode(["b": 1], forKey: .late)
                try outer.encode(["a": 2], forKey: .late)
            default:  // A place that nothing is said at.
                _ = outer.superEncoder(forKey: .kept)
                try outer.encode(2, forKey: .outer)
            }
        }
    }

    /// Members in no order, with values of every length, in each other.
    private struct Unsorted: Encodable {
        struct Inner: Encodable {
            var z = [3, 2, 1]
            var y = ["k": ["b": 1, "a": 2]]
            var a: String?
            var aa = ""
        }
        var second = Inner()
        var first = [Inner(), Inner()]
        var only = ["one"]
        var b = 1.5
        var ab = true
        var a = Inner()
    }

    private func expectSame(_ value: some Encodable, _ note: String = "") throws {
        let (ours, theirs) = (Self.folded(try JSON.encode(value)), try JSON.reference(value))
        #expect(
            ours == theirs,
            "\(note) \(String(decoding: ours, as: UTF8.self)) \(String(decoding: theirs, as: UTF8.self))"
        )
    }

    /// The text with the digits of its escapes in small letters.
    private static func folded(_ text: [UInt8]) -> [UInt8] {
        var text = text
        var index = 0
        while index + 1 < text.count {
            guard text[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            if text[index + 1] == UInt8(ascii: "u") {
                for digit in index + 2..<index + 6 where (0x41...0x46).contains(text[digit]) {
                    text[digit] |= 0x20
                }
            }
            index += 2
        }
        return text
    }

    @Test func `every kind of value has the text that JSONEncoder gives it`() throws {
        try expectSame(Everything())
        try expectSame(ByHand())
        try expectSame([Everything(), Everything()])
    }

    @Test func `a value alone has the text that JSONEncoder gives it`() throws {
        try expectSame("text")
        try expectSame("")
        try expectSame(-5)
        try expectSame(2.5)
        try expectSame(true)
        try expectSame(String?.none)
        try expectSame(Date(timeIntervalSince1970: 0))
        try expectSame([String: Int]())
        try expectSame([Int]())
    }

    @Test func `random trees have the text that JSONEncoder gives them`() throws {
        var random = Seeded(seed: 20_261_121)
        for number in 0..<2_000 { try expectSame(tree(&random, depth: 4), "tree \(number)") }
    }

    @Test func `every number reads as it was written`() throws {
        var random = Seeded(seed: 7)
        for _ in 0..<20_000 {
            let double = Double(bitPattern: random.next())
            if double.isFinite { try expectSame([double]) }
            let integer =
                Int(truncatingIfNeeded: random.next()) >> Int.random(in: 0..<64, using: &random)
            #expect(String(decoding: try JSON.encode(integer), as: UTF8.self) == "\(integer)")
        }
    }

    @Test func `what is nested too deeply for yajl is written all the same`() throws {
        var deep = JSONValue.array([])
        for _ in 0..<300 { deep = .array([deep]) }
        try expectSame(deep)
    }

    @Test func `members come in the order of their keys, whatever is in them`() throws {
        try expectSame(Unsorted())
        try expectSame([Unsorted(), Unsorted()])
        try expectSame(["b": Unsorted(), "a": Unsorted(), "": Unsorted()])
        for count in [1, 2, 31, 32, 33, 500] {
            let many = (0..<count).map { ("\($0 * 7919 % count)", $0) }
            try expectSame(Dictionary(many, uniquingKeysWith: { $1 }), "\(count) members")
        }
    }

    @Test func `keys with quotes and control characters are sorted as they are spelled`() throws {
        let keys = ["\"\"", "\"", "\\", "#", "!", "\n", "\u{1}", "a\"", "a", "]", "ü", "世"]
        for count in 1...keys.count {
            let some = keys.prefix(count).map { ($0, $0) }
            try expectSame(Dictionary(uniqueKeysWithValues: some), "\(count) keys")
        }
    }

    @Test(arguments: 0..<6)
    func `what is said in another order than it is written has the same text`(order: Int) throws {
        try expectSame(Jumbled(order: order), "order \(order)")
        try expectSame(["b": Jumbled(order: order), "a": Jumbled(order: order)])
        // Nothing of it is left for the next value.
        try expectSame(Everything())
    }

    @Test func `a value that has a text written while it is encoded gets in nobody's way`() throws {
        struct Nesting: Encodable {
            let depth: Int
            func encode(to encoder: any Encoder) throws {
                var container = encoder.unkeyedContainer()
                try container.encode("before \(depth)")
                if depth > 0 {
                    let inner = try JSON.encode(Nesting(depth: depth - 1))
                    try container.encode(String(decoding: inner, as: UTF8.self))
                }
                try container.encode(["b": 1, "a": 2])
            }
        }
        for _ in 0..<3 { try expectSame(Nesting(depth: 5)) }
    }

    @Test func `an encoder that a value keeps reaches no other value`() throws {
        final class Shelf: Encodable, @unchecked Sendable {
            var kept: (any Encoder)?
            func encode(to encoder: any Encoder) throws {
                kept = encoder
                var container = encoder.singleValueContainer()
                try container.encode("kept")
            }
        }
        let shelf = Shelf()
        try expectSame([shelf])
        let encoder = try #require(shelf.kept)
        struct Meddling: Encodable {
            let encoder: any Encoder
            func encode(to own: any Encoder) throws {
                var container = own.unkeyedContainer()
                try container.encode(1)
                var other = encoder.unkeyedContainer()
                try other.encode("foreign")
                try container.encode(2)
            }
        }
        _ = try JSON.encode(shelf)
        let kept = try #require(shelf.kept)
        let text = try JSON.encode(Meddling(encoder: kept))
        #expect(String(decoding: text, as: UTF8.self) == "[1,2]")
        _ = encoder
    }

    @Test func `a large value leaves nothing behind for a small one`() throws {
        try expectSame((0..<50_000).map { "element \($0)" })
        try expectSame(["b": 1, "a": 2])
        try expectSame([Everything()])
    }

    @Test func `threads write at the same time without getting in each other's way`() async throws {
        let expected = try JSON.reference(Unsorted())
        await withTaskGroup(of: Bool.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask { @concurrent in
                    (0..<200).allSatisfy { _ in (try? JSON.encode(Unsorted())) == expected }
                }
            }
            for await isSame in tasks { #expect(isSame) }
        }
    }

    @Test func `a number that JSON has no text for is refused, with its path`() throws {
        struct Broken: Encodable { var list = [["x": Double.infinity]] }
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(throws: EncodingError.self) { try JSON.encode(value) }
        }
        do {
            _ = try JSON.encode(Broken())
            Issue.record("infinity was encoded")
        } catch EncodingError.invalidValue(_, let context) {
            #expect(context.codingPath.map(\.stringValue) == ["list", "Index 0", "x"])
        }
    }

    @Test func `a value that encodes nothing at all is refused`() throws {
        #expect(throws: EncodingError.self) { try JSON.encode(ByHand.Silent()) }
    }

    private func tree(_ random: inout Seeded, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &random) {
        case 0: .null
        case 1: .bool(Bool.random(using: &random))
        case 2: .integer(Int64(truncatingIfNeeded: random.next()))
        case 3: .number(Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) / 1_000)
        case 4: .string(text(&random))
        case 5:
            .array(
                (0..<Int.random(in: 0..<5, using: &random)).map { _ in
                    tree(&random, depth: depth - 1)
                }
            )
        default:
            .object(
                Dictionary(
                    (0..<Int.random(in: 0..<7, using: &random)).map { _ in
                        (text(&random), tree(&random, depth: depth - 1))
                    },
                    uniquingKeysWith: { $1 }
                )
            )
        }
    }

    private func text(_ random: inout Seeded) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let limit: UInt32 = Bool.random(using: &random) ? 0x80 : 0x1_1000
            if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &random)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

/// The same numbers in every run.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
