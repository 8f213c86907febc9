import FoundationEssentials
import Identity
import Testing

/// The attacks that are in a token's spelling rather than in what it says.
@Suite struct TokenFormatTests {
    let forge: TokenForge

    init() throws { forge = try TokenForge() }

    private func segments() throws -> [String] {
        try forge.good().split(separator: ".").map(String.init)
    }

    @Test func `anything but three segments that are not empty is refused`() throws {
        let parts = try segments()
        let (head, body, signature) = (parts[0], parts[1], parts[2])
        for token in [
            "", ".", "..", "...", head, "\(head).\(body)", "\(head).\(body).",
            "\(head)..\(signature)", ".\(body).\(signature)", "\(head).\(body).\(signature).",
            "\(head).\(body).\(signature).\(signature)", ".\(head).\(body).\(signature)",
            "\(head).\(body).\(signature).a.b",
        ] {
            #expect(forge.verdict(token) == .malformed, "\(token)")
        }
    }

    @Test func `base64url has one spelling`() throws {
        let parts = try segments()
        let (head, body, signature) = (parts[0], parts[1], parts[2])
        for token in [
            "\(head)=.\(body).\(signature)", "\(head).\(body)==.\(signature)",
            "\(head) .\(body).\(signature)", " \(head).\(body).\(signature)",
            "\(head).\(body).\(signature)\n", "\(head).\n\(body).\(signature)",
            "\(head).\(body).\(signature)=", "\(head).\(body).\(signature)==",
            "\(head).+\(body.dropFirst()).\(signature)", "\(head).\(body).\(signature)A",
            "\(head).\(body).\(signature) ", "\(head).\(body).\u{00E9}\(signature)",
        ] {
            #expect(forge.verdict(token) != nil, "\(token)")
        }
    }

    @Test func `set trailing bits are refused though they decode to the same signature`() throws {
        let token = try forge.good()
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        )
        let last = try #require(token.last)
        let place = try #require(alphabet.firstIndex(of: last))
        // 64 bytes end in a character with four bits unused.
        #expect(place % 16 == 0)
        for offset in 1..<16 {
            let respelled = token.dropLast() + String(alphabet[place + offset])
            #expect(forge.verdict(String(respelled)) == .badSignature)
        }
    }

    @Test(arguments: [
        #"[]"#, #""text""#, "1", "null", "", "{", "}", #"{"alg":"ES256""#, #"{alg:"ES256"}"#,
        #"{"alg":"ES256",}"#, #"{"alg":'ES256'}"#, "{}{}", "{} x", "// c\n{}", "\u{FEFF}{}",
    ]) func `a header or payload that is no JSON object is refused`(text: String) throws {
        #expect(try forge.verdict(forge.token(header: text)) == .malformed)
        let expected: TokenError = text.isEmpty ? .malformed : .badClaims
        #expect(try forge.verdict(forge.token(payload: text)) == expected)
    }

    @Test(arguments: [
        ("alg", #""ES256""#), ("alg", #""none""#), (#"\u0061lg"#, #""ES256""#),
        ("kid", #""other""#), (#"k\u0069d"#, #""other""#), ("extra", "1"),
    ]) func `a header member twice is refused, however it is spelled`(
        name: String,
        value: String
    ) throws {
        var members = forge.header + [(name, value)]
        if name == "extra" { members.append(("extra", "2")) }
        #expect(try forge.verdict(forge.token(header: forge.object(members))) == .malformed)
        let first = forge.object(
            [(name, value)] + members.filter { $0.0 != "extra" || $0.1 == "2" }
        )
        #expect(try forge.verdict(forge.token(header: first)) == .malformed)
    }

    @Test(arguments: [
        ("exp", "1800000900"), ("exp", "9999999999"), (#"\u0065xp"#, "9999999999"),
        ("role", #""admin""#), (#"rol\u0065"#, #""admin""#), ("sub", #""x""#),
    ]) func `a claim twice is refused, however it is spelled`(name: String, value: String) throws {
        let last = forge.object(forge.payload + [(name, value)])
        #expect(try forge.verdict(forge.token(payload: last)) == .badClaims)
        let first = forge.object([(name, value)] + forge.payload)
        #expect(try forge.verdict(forge.token(payload: first)) == .badClaims)
    }

    @Test func `a member twice in a nested object is refused`() throws {
        let token = try forge.token(claim: "extra", #"{"a":1,"a":2}"#)
        #expect(forge.verdict(token) == .badClaims)
    }

    @Test func `invalid UTF-8 and lone surrogates are refused`() throws {
        let header = Array(forge.object(forge.header).utf8)
        for bad in [[0xFF], [0xC3], [0xC0, 0xAF], [0xED, 0xA0, 0x80]] as [[UInt8]] {
            let member = Array(#"{"extra":""#.utf8) + bad + Array(#"","#.utf8)
            let payload = member + Array(forge.object(forge.payload).utf8.dropFirst())
            let token = try forge.token(headerBytes: header, payloadBytes: payload)
            #expect(forge.verdict(token) == .badClaims)
        }
        for bad in [#""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, #""\ud83d\ud83d""#] {
            #expect(try forge.verdict(forge.token(claim: "extra", bad)) == .badClaims)
        }
        #expect(try forge.verdict(forge.token(claim: "extra", #""\ud83d\ude00 é""#)) == nil)
    }

    @Test func `deep nesting is refused without deep recursion`() throws {
        let nested = { (depth: Int) in
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try forge.verdict(forge.token(claim: "extra", nested(7))) == nil)
        #expect(try forge.verdict(forge.token(claim: "extra", nested(9))) == .badClaims)
        #expect(try forge.verdict(forge.token(claim: "extra", nested(2500))) == .badClaims)
    }

    @Test func `more than 8 KiB is refused unread`() throws {
        let long = "\"\(String(repeating: "x", count: 7000))\""
        #expect(try forge.verdict(forge.token(claim: "extra", long)) == .malformed)
        #expect(forge.verdict(String(repeating: "a", count: 10_000_000)) == .malformed)
    }

    @Test(arguments: ["01", "+1", ".5", "1.", "1e", "0x10", "NaN", "Infinity", "1_000", "- 1"])
    func `numbers are JSON's`(text: String) throws {
        #expect(try forge.verdict(forge.token(claim: "extra", text)) == .badClaims)
    }

    @Test func `control characters in strings are refused`() throws {
        #expect(try forge.verdict(forge.token(claim: "extra", "\"a\nb\"")) == .badClaims)
        #expect(try forge.verdict(forge.token(claim: "extra", "\"a\u{0}b\"")) == .badClaims)
    }
}
