import FoundationEssentials
import Identity
import Testing

@Suite struct TokenVerifierTests {
    let forge: TokenForge

    init() throws { forge = try TokenForge() }

    @Test func `a token of ours is believed and its claims come back`() throws {
        let claims = try forge.verifier.verify(forge.good(), now: TokenForge.now)
        #expect(claims == forge.claims)
        #expect(claims.expiresAt == TokenForge.now + 900)
    }

    @Test func `a token forged like ours is believed, so the refusals below mean something`() throws
    {
        #expect(try forge.verdict(forge.token()) == nil)
    }

    @Test(arguments: [
        ("alg", #""none""#), ("alg", #""None""#), ("alg", #""NONE""#), ("alg", #""nOnE""#),
        ("alg", #""HS256""#), ("alg", #""RS256""#), ("alg", #""PS256""#), ("alg", #""ES384""#),
        ("alg", #""ES512""#), ("alg", #""EdDSA""#), ("alg", #""es256""#), ("alg", #""ES256 ""#),
        ("alg", nil), ("alg", "null"), ("alg", #"["ES256"]"#), ("alg", "256"),
        ("kid", nil), ("kid", #""""#), ("kid", "1"), ("kid", "null"),
        ("kid", #""../../../../dev/null""#), ("kid", #""' OR 1=1 --""#),
        ("kid", #""a\u0000b""#), ("kid", "\"\(String(repeating: "k", count: 7000))\""),
        ("typ", nil), ("typ", #""id+jwt""#), ("typ", #""JWE""#), ("typ", #""rt+jwt""#),
        ("typ", "true"),
        ("crit", #"["exp"]"#), ("crit", #"["unknown"]"#), ("crit", "[]"), ("crit", #"["b64"]"#),
        ("b64", "false"), ("b64", #""false""#), ("b64", "null"),
    ]) func `a header is refused for its`(name: String, value: String?) throws {
        #expect(try forge.verdict(forge.token(headerWith: name, value)) == .malformed)
    }

    @Test(arguments: [
        ("jku", #""https://evil.example/jwks.json""#), ("x5u", #""https://evil.example/c.pem""#),
        ("x5c", #"["MIIB"]"#), ("b64", "true"), ("typ", #""JWT""#), ("typ", #""AT+JWT""#),
        ("extension", #"{"deep":[1,2,{"er":null}]}"#),
    ]) func `a header that adds nothing to decide on is believed`(
        name: String,
        value: String
    ) throws {
        #expect(try forge.verdict(forge.token(headerWith: name, value)) == nil)
    }

    @Test func `a key that comes with the token is not used`() throws {
        let thief = try TokenForge()
        let jwk = String(decoding: KeySet([thief.key.verifyingKey]).json(), as: UTF8.self)
        let members = forge.changed(forge.header, "jwk", jwk)
        let token = try thief.token(header: forge.object(members))
        #expect(forge.verdict(token) == .badSignature)
    }

    @Test func `an unknown key is named, so that the key set can be looked at again`() throws {
        let other = try TokenForge()
        #expect(try forge.verdict(other.good()) == .unknownKey(other.key.id))
    }

    @Test func `a token signed by another key under our key's name is refused`() throws {
        let thief = try TokenForge()
        #expect(forge.verdict(try thief.token(header: forge.object(forge.header))) == .badSignature)
    }

    @Test func `a hash keyed with the public key is no signature`() throws {
        // The classic HS256 confusion, sent with alg ES256: 32 bytes, whatever they are.
        let input = try forge.token().split(separator: ".").prefix(2).joined(separator: ".")
        let mac = SHA256.hash(KeySet([forge.key.verifyingKey]).json() + Array(input.utf8))
        #expect(forge.verdict(input + "." + Base64.url.encode(mac)) == .badSignature)
    }

    @Test(arguments: [
        ("iss", nil), ("iss", #""https://evil.example""#),
        ("iss", #""https://anyway.local/user/""#),
        ("iss", #"["https://anyway.local/user"]"#), ("iss", "null"),
        ("aud", nil), ("aud", #""other""#), ("aud", "[]"), ("aud", #"["other","another"]"#),
        ("aud", #"["anyway",1]"#), ("aud", #"{"anyway":true}"#), ("aud", #""Anyway""#),
        ("sub", nil), ("sub", #""42""#), ("sub", #""""#), ("sub", "42"),
        ("sub", #""01890000-0000-7000-8000-00000000000g""#),
        ("sub", #""{01890000-0000-7000-8000-000000000000}""#),
        ("sub", #""01890000-0000-7000-8000-000000000000 ""#),
        ("sid", nil), ("sid", #""session""#), ("jti", nil), ("jti", "1"),
        ("role", nil), ("role", #""root""#), ("role", #""Admin""#), ("role", #"["admin"]"#),
        ("exp", nil), ("exp", #""1800000900""#), ("exp", "1e308"), ("exp", "-1"),
        ("exp", "null"), ("exp", "true"), ("exp", "[1800000900]"), ("exp", "253402300800"),
        ("nbf", nil), ("nbf", #""1""#), ("nbf", "-5"), ("iat", nil), ("iat", "1e300"),
    ]) func `claims are refused for their`(name: String, value: String?) throws {
        #expect(try forge.verdict(forge.token(claim: name, value)) == .badClaims)
    }

    @Test(arguments: [
        ("aud", #"["other","anyway"]"#), ("exp", "1800000900.5"), ("exp", "1.8000009e9"),
        ("email", #""a@b.example""#), ("role", #""admin""#),
    ]) func `claims are believed with their`(name: String, value: String) throws {
        #expect(try forge.verdict(forge.token(claim: name, value)) == nil)
    }

    @Test(
        arguments: [
            (929, nil), (930, TokenError.expired), (1_000_000, .expired),
            (-30, nil), (-31, .notYetValid),
        ] as [(Int64, TokenError?)]
    )
    func `time is checked with thirty seconds of leeway`(
        offset: Int64,
        expected: TokenError?
    ) throws {
        #expect(try forge.verdict(forge.good(), now: TokenForge.now + offset) == expected)
    }

    @Test(arguments: ["nbf", "iat"]) func `a token from the future is refused`(
        claim: String
    ) throws {
        let token = try forge.token(claim: claim, "\(TokenForge.now + 31)")
        #expect(forge.verdict(token) == .notYetValid)
    }

    @Test func `claims in a cache expire too`() throws {
        try forge.verifier.check(forge.claims, now: TokenForge.now + 929)
        #expect(throws: TokenError.expired) {
            try forge.verifier.check(forge.claims, now: TokenForge.now + 930)
        }
    }

    @Test func `a token is refused when any one of its bytes is another`() throws {
        let token = Array(try forge.good().utf8)
        for place in token.indices {
            var bent = token
            bent[place] = bent[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(forge.verdict(String(decoding: bent, as: UTF8.self)) != nil, "byte \(place)")
        }
    }

    @Test func `tokens verify under many tasks at once`() async throws {
        let token = try forge.good()
        let verdicts = await withTaskGroup(of: TokenError?.self) { group in
            for _ in 0..<200 { group.addTask { forge.verdict(token) } }
            return await group.reduce(into: [TokenError?]()) { $0.append($1) }
        }
        #expect(verdicts.allSatisfy { $0 == nil })
    }
}
