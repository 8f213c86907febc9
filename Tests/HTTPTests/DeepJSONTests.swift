import HTTP
import Reactor
import Testing

/// JSON that nests: each level takes stack where it is read, and an event loop has little.
@Suite struct DeepJSONTests {
    /// What a route makes of a text: the value's depth, or the problem.
    private static func outcome(_ text: String) async throws -> String {
        let request = Request(
            .post,
            "/",
            headers: [.contentType: "application/json"],
            body: [UInt8](text.utf8)
        )
        return try await onLoop {
            do throws(Problem) {
                let value = try await request.json(JSONValue.self)
                return "\(depth(value))"
            } catch {
                return "\(error.status.code) \(error.detail ?? "")"
            }
        }
    }

    private static func depth(_ value: JSONValue) -> Int {
        switch value {
        case .array(let values): 1 + (values.map(depth).max() ?? 0)
        case .object(let members): 1 + (members.values.map(depth).max() ?? 0)
        default: 0
        }
    }

    private static func nested(_ open: String, _ levels: Int, _ close: String) -> String {
        String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels)
    }

    @Test(arguments: [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")])
    func `64 levels are read on an event loop`(_ open: String, _ close: String) async throws {
        let levels = 64 / open.count { $0 == "[" || $0 == "{" }
        #expect(try await Self.outcome(Self.nested(open, levels, close)) == "64")
    }

    @Test(arguments: [65, 200, 511, 600, 100_000])
    func `deeper ones are refused, whole, cut off and spoilt`(_ levels: Int) async throws {
        let expected = "400 the content is nested deeper than 64 levels: line 1, column "
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let column = 64 * open.utf8.count + 1
            let opened = String(repeating: open, count: levels)
            for text in [Self.nested(open, levels, close), opened, opened + "x"] {
                #expect(try await Self.outcome(text) == expected + "\(column)")
            }
        }
    }

    @Test func `brackets in strings are no levels, however they are quoted`() async throws {
        let brackets = String(repeating: "[{", count: 100)
        #expect(try await Self.outcome("[\"\(brackets)\"]") == "1")
        #expect(try await Self.outcome("[\"\\\"\(brackets)\\\\\", []]") == "2")
        let behind = "[\"\\\\\", \(Self.nested("[", 64, "]"))]"
        #expect(try await Self.outcome(behind).hasPrefix("400 the content is nested deeper"))
        // Many beside each other are no depth.
        #expect(try await Self.outcome("[\(String(repeating: "[],", count: 1000))[]]") == "2")
    }

    @Test func `JSON in UTF-16 is refused, in which brackets could hide`() async throws {
        // Its first character's lower byte is a quote, so what follows would pass for a string.
        let text = "[\"\u{122}\"," + String(repeating: "[", count: 500)
        let bytes = text.utf16.flatMap {
            [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
        }
        for bytes in [bytes, [0xFF, 0xFE] + bytes] {
            _ = try await onLoop {
                #expect(throws: DecodingError.self) { try JSON.decode(JSONValue.self, from: bytes) }
            }
        }
    }
}
