import Testing

@testable import Identity

@Suite struct SignatureTests {
    let forge: TokenForge

    init() throws { forge = try TokenForge() }

    private func resigned(_ signature: [UInt8]) throws -> String {
        let input = try forge.good().split(separator: ".").prefix(2).joined(separator: ".")
        return input + "." + Base64.url.encode(signature)
    }

    private func goodSignature() throws -> [UInt8] {
        let token = try forge.good()
        return try #require(Base64.url.decode(String(token.split(separator: ".")[2])))
    }

    private static let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63,
        0x25, 0x51,
    ]

    @Test func `a signature cut short, too long or in DER is refused`() throws {
        let token = try forge.good()
        let raw = try #require(Base64.url.decode(String(token.split(separator: ".")[2])))
        let input = token.split(separator: ".").prefix(2).joined(separator: ".")
        let der = try #require(ECDSASignature(raw: raw)).der
        for bad in [
            Array(raw.dropLast()), Array(raw.prefix(32)), Array(raw.prefix(1)), raw + [0],
            [0] + raw, raw + raw, der,
        ] {
            #expect(forge.verdict(input + "." + Base64.url.encode(bad)) == .badSignature)
        }
        #expect(forge.verdict(input + "." + Base64.url.encode(raw)) == nil)
    }

    @Test func `r and s must be from 1 to n - 1`() throws {
        let good = try goodSignature()
        let zero = [UInt8](repeating: 0, count: 32)
        let ones = [UInt8](repeating: 0xFF, count: 32)
        let (r, s) = (Array(good[..<32]), Array(good[32...]))
        for bad in [
            zero + zero, zero + s, r + zero, Self.order + s, r + Self.order, ones + s, r + ones,
            Self.order + Self.order,
        ] {
            #expect(ECDSASignature(raw: bad) == nil)
            #expect(try forge.verdict(resigned(bad)) == .badSignature)
        }
    }

    @Test func `the signature of another token is refused`() throws {
        let other = try TokenSigner(forge.key).sign(
            AccessClaims(
                subject: forge.claims.subject,
                session: forge.claims.session,
                role: .admin,
                now: TokenForge.now
            )
        )
        let parts = other.split(separator: ".")
        let mine = try forge.good().split(separator: ".")
        #expect(forge.verdict("\(mine[0]).\(parts[1]).\(mine[2])") == .badSignature)
        #expect(forge.verdict("\(mine[0]).\(mine[1]).\(parts[2])") == .badSignature)
    }

    @Test func `the other spelling of a signature, n - s, is valid ECDSA`() throws {
        // Which is why caches of verified tokens are keyed by the whole token.
        let token = try forge.good()
        let parts = token.split(separator: ".")
        let raw = try #require(Base64.url.decode(String(parts[2])))
        var mirrored = [UInt8](repeating: 0, count: 32)
        var borrow = 0
        for place in (0..<32).reversed() {
            let difference = Int(Self.order[place]) - Int(raw[32 + place]) - borrow
            borrow = difference < 0 ? 1 : 0
            mirrored[place] = UInt8(difference & 0xFF)
        }
        let respelled =
            "\(parts[0]).\(parts[1])."
            + Base64.url.encode(Array(raw[..<32]) + mirrored)
        #expect(respelled != token)
        #expect(forge.verdict(respelled) == nil)
    }

    @Test func `DER and raw translate into each other, short numbers included`() throws {
        var short = [UInt8](repeating: 0, count: 64)
        short[31] = 0x7F
        short[63] = 0x80
        let signature = try #require(ECDSASignature(raw: short))
        #expect(signature.der == [0x30, 7, 2, 1, 0x7F, 2, 2, 0, 0x80])
        #expect(ECDSASignature(der: signature.der) == signature)
        for bad in [[], [0x30], [0x30, 0], [0x30, 7, 2, 1, 0x7F], [0x31, 3, 2, 1, 1]] as [[UInt8]] {
            #expect(ECDSASignature(der: bad) == nil)
        }
    }
}
