import Identity
import Testing

@Suite struct KeyTests {
    /// RFC 7517 appendix A.1.
    private static let example = """
        {"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig","kid":"1"},
        {"kty":"RSA","n":"0vx7","e":"AQAB","alg":"RS256","kid":"2011-04-29"}]}
        """

    @Test func `a key survives DER and PEM and goes on signing`() throws {
        let key = try SigningKey.generate()
        for copy in [try SigningKey(der: key.der()), try SigningKey(pem: key.pem())] {
            #expect(copy.id == key.id)
            let signature = try copy.sign(Array("text".utf8))
            #expect(key.verifyingKey.isValid(signature: signature, for: Array("text".utf8)))
            #expect(!key.verifyingKey.isValid(signature: signature, for: Array("texT".utf8)))
        }
    }

    @Test func `a key is described by its name and never by itself`() throws {
        let key = try SigningKey.generate()
        #expect("\(key)" == "SigningKey(\(key.id))")
    }

    @Test func `what is no P-256 private key is refused`() throws {
        let der = try SigningKey.generate().der()
        for bytes in [[], [0x30], Array(der.dropLast()), [UInt8](repeating: 0, count: 200)] {
            #expect(throws: IdentityError.malformed("P-256 private key")) {
                try SigningKey(der: bytes)
            }
        }
        for pem in ["", "-----BEGIN PRIVATE KEY-----\n", Self.ed25519, Self.p384, Self.encrypted] {
            #expect(throws: IdentityError.malformed("P-256 private key")) {
                try SigningKey(pem: pem)
            }
        }
    }

    @Test func `a key set survives its JSON`() throws {
        let keys = try (0..<3).map { _ in try SigningKey.generate().verifyingKey }
        let read = try KeySet(json: KeySet(keys).json())
        #expect(read.keys.map(\.id) == keys.map(\.id))
        #expect(KeySet(keys).json() == read.json())
    }

    @Test func `keys of another kind in a set are skipped`() throws {
        let set = try KeySet(json: Array(Self.example.utf8))
        #expect(set.keys.map(\.id) == ["1"])
    }

    @Test func `a thumbprint is RFC 7638's`() throws {
        let x = try #require(Base64.url.decode("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"))
        let y = try #require(Base64.url.decode("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"))
        let text =
            #"{"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","#
            + #""y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#
        #expect(try VerifyingKey(x: x, y: y).id == Base64.url.encode(SHA256.hash(text)))
    }

    @Test(arguments: [
        (
            "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyA"
        ),
        ("\"P-256\"", "\"P-384\""), ("\"sig\"", "\"enc\""), ("\"kid\":\"1\"", "\"kid\":1"),
        ("\"kid\":\"1\"", "\"kid\":\"../1\""), ("x\":\"MK", "x\":\"A"), ("\"use\":", "\"alg\":"),
    ]) func `a key that cannot be used is skipped`(part: String, other: String) throws {
        let set = try KeySet(json: Array(replacing(part, by: other).utf8))
        #expect(set.keys.isEmpty)
    }

    @Test(arguments: [
        ("{\"keys\":[", "[["), ("\"keys\"", "\"key\""), ("\"use\"", "\"kty\""),
        ("\"use\":\"sig\"", "\"d\":\"AA\""), ("{\"kty\":\"RSA\"", "1,{\"kty\":\"RSA\""),
    ]) func `what is no key set is refused`(part: String, other: String) {
        #expect(throws: IdentityError.malformed("key set")) {
            try KeySet(json: Array(replacing(part, by: other).utf8))
        }
    }

    @Test func `a key named twice, too many keys and too many bytes are refused`() throws {
        let key = try SigningKey.generate().verifyingKey
        let crowd = [VerifyingKey](repeating: key, count: 33)
        for set in [KeySet([key, key]), KeySet(crowd)] {
            #expect(throws: IdentityError.malformed("key set")) { try KeySet(json: set.json()) }
        }
        let padded = KeySet([key]).json() + [UInt8](repeating: 0x20, count: 65_536)
        #expect(throws: IdentityError.malformed("key set")) { try KeySet(json: padded) }
    }

    private func replacing(_ part: String, by other: String) -> String {
        let pieces = Self.example.split(
            separator: part,
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        precondition(pieces.count == 2, "the example has no \(part)")
        return pieces.joined(separator: other)
    }

    private static let ed25519 = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIFStfNItxj3H4KBMJdLsPSoN5Z/fsAnnN5FYTy5JO/k6
        -----END PRIVATE KEY-----
        """
    private static let p384 = """
        -----BEGIN PRIVATE KEY-----
        MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCWGwbLq0i8z2SFqtHB
        dZCuNTKTFDJb3uzJAXXucIvY/V/ATn/Hoo/lhlJBpT5UmmmhZANiAATRfP4Yr37a
        pK25OJx6pgL/Blx6+lsb6rJnZM091/+QDnrgJbg1CH4SnU/Smsti8cUcDrcsmxP4
        hn78Xhk6s+Chf/gi6Xijy/h/lffzo1A97zD6+qKQQFv9TzJJvi+beHA=
        -----END PRIVATE KEY-----
        """
    private static let encrypted = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhngs8pHDfwKwICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEG8vcXy1JpxfMOTcgFFDaJAEgZDb
        tKAUPPyHr7W4Y+XR8XDZJCF6j6cM7Sorpn8gml3mrWVIz5ASkV0wA6JhTJrOJ/DS
        OkQ8WuJ1wBS5BDT8L/AGvIrUb2NG3shKsWAUZ3n8rsdHSRVDM3fwq7sRxTgzv1rX
        lw8DOFMoyUtUkUIbkSNy/YTbFJlzpPyL3JZMSiW/7UAWzpH5ilGtw8uIH2clR6M=
        -----END ENCRYPTED PRIVATE KEY-----
        """
}
