import Testing

@testable import Identity

@Suite struct CryptoTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
    ]) func `base64 is RFC 4648's, without padding`(text: String, encoded: String) {
        #expect(Base64.url.encode(text.utf8) == encoded)
        #expect(Base64.url.decode(encoded) == Array(text.utf8))
    }

    @Test func `the two alphabets do not mix`() {
        let bytes: [UInt8] = [0xFB, 0xEF, 0xFF]
        #expect(Base64.url.encode(bytes) == "--__")
        #expect(Base64.standard.encode(bytes) == "++//")
        #expect(Base64.url.decode("++//") == nil)
        #expect(Base64.standard.decode("--__") == nil)
    }

    @Test(arguments: ["Z", "Zh", "Zm9", "Zg==", "Zg=", "Z g", "Zm9v\n", "Zm9vY", "é", "Zm9v."])
    func `a spelling that is not the one is refused`(text: String) {
        #expect(Base64.url.decode(text) == nil)
    }

    @Test func `every byte survives base64`() {
        for count in 0..<100 {
            let bytes = SecureRandom.bytes(count)
            #expect(Base64.url.decode(Base64.url.encode(bytes)) == bytes)
            #expect(Base64.standard.decode(Base64.standard.encode(bytes)) == bytes)
        }
    }

    @Test func `SHA-256 is FIPS 180's`() {
        let hex = { (bytes: [UInt8]) in
            bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        #expect(
            hex(SHA256.hash("abc"))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(
            hex(SHA256.hash([UInt8]()))
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
    }

    @Test func `a digest is its bytes'`() {
        let one = SHA256.digest("abc".utf8Span.span)
        #expect(one == SHA256.digest([UInt8]("abc".utf8).span))
        #expect(one != SHA256.digest("abd".utf8Span.span))
        // The last eight bytes as memory has them: b410ff61f20015ad.
        #expect(one.shard(of: 256) == 0xB4)
        #expect(SHA256.digest([UInt8]().span).shard(of: 1) == 0)
    }

    @Test func `random tokens are long and never twice the same`() {
        let tokens = Set((0..<1000).map { _ in SecureRandom.token() })
        #expect(tokens.count == 1000)
        #expect(tokens.allSatisfy { $0.utf8.count == 43 })
        #expect(SecureRandom.bytes(0).isEmpty)
    }

    @Test func `bytes compare equal only when they are`() {
        #expect(constantTimeEqual([], []))
        #expect(constantTimeEqual([1, 2], [1, 2]))
        #expect(!constantTimeEqual([1, 2], [1, 3]))
        #expect(!constantTimeEqual([1, 2], [1, 2, 3]))
    }

    @Test func `scrypt is RFC 7914's`() throws {
        // Section 12, third vector.
        let hash = try PasswordHash.derive(
            "pleaseletmein",
            salt: Array("SodiumChloride".utf8),
            cost: .init(logN: 14, blockSize: 8, parallelism: 1),
            count: 64
        )
        #expect(hash.prefix(8) == [0x70, 0x23, 0xBD, 0xCB, 0x3A, 0xFD, 0x73, 0x48])
        #expect(hash.suffix(4) == [0x45, 0x57, 0x58, 0x87])
    }

    @Test func `a password is verified against its hash and no other`() throws {
        let stored = try PasswordHash.make("correct horse battery staple")
        #expect(stored.hasPrefix("$scrypt$ln=15,r=8,p=1$"))
        #expect(try PasswordHash.verify("correct horse battery staple", against: stored))
        #expect(try !PasswordHash.verify("Correct horse battery staple", against: stored))
        #expect(try !PasswordHash.verify("", against: stored))
        #expect(try PasswordHash.make("correct horse battery staple") != stored)
        #expect(!PasswordHash.needsRehash(stored))
        #expect(PasswordHash.needsRehash("$scrypt$ln=14,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$\(hash32)"))
        try PasswordHash.verifyAgainstNobody("anything")
    }

    private let hash32 = Base64.standard.encode([UInt8](repeating: 1, count: 32))

    @Test(arguments: [
        "", "plain", "$scrypt$", "$bcrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=31,r=8,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=15,r=1000000,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=15,r=8,p=999$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=15,r=8,p=1$$AAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$", "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$AAAA",
        "$scrypt$r=8,ln=15,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA",
        "x$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAA$",
    ]) func `a stored hash that is malformed or asks for too much is refused`(stored: String) {
        #expect(throws: IdentityError.malformed("password hash")) {
            try PasswordHash.verify("password", against: stored)
        }
    }
}
