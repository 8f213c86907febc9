import HTTP
import Identity
import ServiceKit
import Testing

@testable import UserService

@Suite struct UserDomainTests {
    @Test(arguments: [
        "a@b.co", "first.last+tag@shop.example.com", "o'neil@example.com", "A@EXAMPLE.COM",
        "\(String(repeating: "x", count: 64))@example.com",
    ]) func `an e-mail address is taken as it is spelled`(text: String) {
        #expect(EmailAddress(text)?.text == text)
    }

    @Test(arguments: [
        "", "@", "a", "a@", "@b.co", "a@b", "a@b@c.co", "a b@c.co", "a@c.co ", " a@c.co", "a.@c.co",
        ".a@c.co", "a..b@c.co", "a@-c.co", "a@c-.co", "a@c..co", "a@.co", "a@c.co.", "é@c.co",
        "a@ç.co", "a@c.co\n", "a\u{0}@c.co", "\"a\"@c.co", "a@[127.0.0.1]", "a@c_d.co",
        "\(String(repeating: "x", count: 65))@example.com",
        "a@\(String(repeating: "x", count: 64)).co",
        "a@\(String(repeating: "abcdefgh.", count: 30))co", "a\u{212A}@c.co",
    ]) func `what is no e-mail address is refused`(text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test func `two spellings are one account`() {
        #expect(EmailAddress("Ann@Example.COM")?.key == EmailAddress("ann@example.com")?.key)
    }

    @Test func `a registration tells all that is wrong with it at once`() {
        let flaws = #expect(throws: Flaws.self) {
            try Registration(email: "x", password: "short", name: "")
        }
        #expect(flaws?.list.map(\.pointer) == ["/email", "/password", "/name"])
    }

    @Test(arguments: [(7, false), (8, true), (256, true), (257, false)])
    func `a password has 8 to 256 characters`(count: Int, isTaken: Bool) {
        let password = String(repeating: "é", count: count)
        let registration = try? Registration(email: "a@b.co", password: password, name: "Ann")
        #expect((registration != nil) == isTaken)
    }

    @Test(arguments: ["", " ", "\t", "a\u{0}b", "a\nb", String(repeating: "x", count: 101)])
    func `a name that no page can show is refused`(name: String) {
        let flaws = #expect(throws: Flaws.self) {
            try Registration(email: "a@b.co", password: "password", name: name)
        }
        #expect(flaws?.list.map(\.pointer) == ["/name"])
    }

    @Test func `a merge patch adds, replaces, merges and removes`() {
        let target: [String: JSONValue] = [
            "theme": "dark", "mail": ["news": true, "orders": true], "old": 1, "list": [1, 2],
        ]
        let patch: [String: JSONValue] = [
            "theme": "light", "mail": ["news": .null, "offers": false], "old": .null,
            "list": [3], "gone": .null, "deep": ["a": ["b": .null, "c": 1]],
        ]
        #expect(
            Preferences.merge(patch, into: target) == [
                "theme": "light", "mail": ["orders": true, "offers": false], "list": [3],
                "deep": ["a": ["c": 1]],
            ]
        )
    }

    @Test(arguments: [
        (#"[]"#, ""), (#""text""#, ""), (#"{"role":"admin"}"#, "/role"),
        (#"{"email":"x@y.co"}"#, "/email"), (#"{"version":9}"#, "/version"),
        (#"{"a/b~c":1}"#, "/a~1b~0c"), (#"{"name":null}"#, "/name"), (#"{"name":1}"#, "/name"),
        (#"{"name":""}"#, "/name"), (#"{"preferences":null}"#, "/preferences"),
        (#"{"preferences":[]}"#, "/preferences"),
    ]) func `a patch of what may not change is refused by name`(
        json: String,
        pointer: String
    ) throws {
        let patch = try JSON.decode(JSONValue.self, from: Array(json.utf8))
        let flaws = #expect(throws: Flaws.self) { try ProfileChange(patch) }
        #expect(flaws?.list.map(\.pointer) == [pointer])
    }

    @Test func `preferences are bounded in every direction`() {
        let big = JSONValue.string(String(repeating: "x", count: 8192))
        let crowd = Dictionary(uniqueKeysWithValues: (0...100).map { ("k\($0)", JSONValue(true)) })
        for bad: [String: JSONValue] in [
            ["a": big], crowd, ["a": ["b": ["c": ["d": ["e": 1]]]]], ["a": [[[[1]]]]],
            [String(repeating: "k", count: 65): 1], ["a": "\u{0}"], ["\u{0}": 1],
            ["a": [["b": "x\u{0}"]]],
        ] {
            var flaws = Flaws()
            Preferences.check(bad, &flaws)
            #expect(flaws.list.map(\.pointer) == ["/preferences"])
        }
        var flaws = Flaws()
        Preferences.check(["a": ["b": ["c": ["d": 1]]], "": "é"], &flaws)
        #expect(flaws.list.isEmpty)
    }

    @Test(
        arguments: [
            ([], nil), (["*"], .any), ([#""v1""#], .these([#""v1""#])),
            ([#" "v1" , W/"v2""#, #""v3""#], .these([#""v1""#, #"W/"v2""#, #""v3""#])),
            ([""], .these([])), (["v1"], .these([])),
        ] as [([String], EntityTags?)]
    )
    func `preconditions are read from all lines`(lines: [String], expected: EntityTags?) {
        #expect(EntityTags(lines) == expected)
    }

    @Test func `a weak tag matches weakly and never strongly`() {
        let weak = EntityTags.these([#"W/"v1""#])
        #expect(weak.matchesWeakly(#""v1""#))
        #expect(!weak.matchesStrongly(#""v1""#))
        #expect(EntityTags.any.matchesStrongly(#""v1""#))
        #expect(!EntityTags.these([]).matchesWeakly(#""v1""#))
    }
}

@Suite struct KeyringTests {
    private func entry(at createdAt: Int64) throws -> Keyring.Entry {
        Keyring.Entry(
            key: try SigningKey.generate(),
            createdAt: createdAt,
            notAfter: createdAt + Keyring.lifetime
        )
    }

    @Test func `the first key signs at once, for nobody has another`() throws {
        let first = try entry(at: 1000)
        #expect(Keyring([first]).signing(at: 1000)?.id == first.key.id)
        #expect(Keyring([]).signing(at: 1000) == nil)
        #expect(Keyring([]).needsKey(at: 1000))
    }

    @Test func `a new key signs only after everybody had time to see it`() throws {
        let old = try entry(at: 0)
        let made = Keyring.lifetime - Keyring.overlap
        let new = try entry(at: made)
        let ring = Keyring([new, old])
        #expect(ring.signing(at: made)?.id == old.key.id)
        #expect(ring.signing(at: made + Keyring.notice - 1)?.id == old.key.id)
        #expect(ring.signing(at: made + Keyring.notice)?.id == new.key.id)
        #expect(ring.published(at: made).map(\.id) == [old.key.id, new.key.id])
    }

    @Test func `an old key stays published until its last token has expired`() throws {
        let old = try entry(at: 0)
        let ring = Keyring([old, try entry(at: Keyring.lifetime - Keyring.overlap)])
        #expect(ring.signing(at: Keyring.lifetime - 1)?.id != old.key.id)
        let lastTokenDies = Keyring.lifetime + 900 + 30
        #expect(ring.published(at: lastTokenDies).contains { $0.id == old.key.id })
        #expect(!ring.published(at: lastTokenDies + 31).contains { $0.id == old.key.id })
    }

    @Test func `the next key is made a week before the last one ends`() throws {
        let ring = Keyring([try entry(at: 0)])
        let time = Keyring.lifetime - Keyring.overlap
        #expect(!ring.needsKey(at: time - 1))
        #expect(ring.needsKey(at: time))
        #expect(!Keyring(ring.entries + [try entry(at: time)]).needsKey(at: time))
    }
}

@Suite struct UserConfigurationTests {
    @Test func `an administrator is made only when asked for`() throws {
        #expect(try UserConfiguration(Environment([:])).administrator == nil)
        let set = Environment(["ADMIN_EMAIL": "a@b.co", "ADMIN_PASSWORD": "long enough"])
        #expect(try UserConfiguration(set).administrator?.email.text == "a@b.co")
    }

    @Test(arguments: [
        (["ADMIN_EMAIL": "a@b.co"], "ADMIN_PASSWORD"),
        (["ADMIN_PASSWORD": "long enough"], "ADMIN_EMAIL"),
        (["ADMIN_EMAIL": "admin", "ADMIN_PASSWORD": "long enough"], "ADMIN_EMAIL"),
        (["ADMIN_EMAIL": "a@b.co", "ADMIN_PASSWORD": "secret7"], "ADMIN_PASSWORD"),
    ]) func `half an administrator is a configuration error that keeps the password to itself`(
        values: [String: String],
        variable: String
    ) {
        let error = #expect(throws: ConfigurationError.self) {
            try UserConfiguration(Environment(values))
        }
        #expect(error?.variable == variable)
        #expect(error?.description.contains("secret7") == false)
    }
}
