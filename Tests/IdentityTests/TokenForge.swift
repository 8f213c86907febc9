import FoundationEssentials
import Identity

/// Makes tokens, right and wrong in every way a test can spell.
struct TokenForge {
    static let now: Int64 = 1_800_000_000
    let key: SigningKey
    let claims: AccessClaims

    init() throws {
        key = try SigningKey.generate()
        claims = AccessClaims(
            subject: UUID(),
            session: UUID(),
            role: .customer,
            now: Self.now
        )
    }

    var verifier: TokenVerifier { TokenVerifier(keys: [key.verifyingKey]) }

    /// A token as the user service makes it.
    func good() throws -> String { try TokenSigner(key).sign(claims) }

    var header: [(String, String)] {
        [("alg", #""ES256""#), ("kid", "\"\(key.id)\""), ("typ", #""at+jwt""#)]
    }

    var payload: [(String, String)] {
        [
            ("iss", #""https://anyway.local/user""#), ("aud", #""anyway""#),
            ("sub", "\"\(claims.subject.uuidString)\""),
            ("sid", "\"\(claims.session.uuidString)\""),
            ("jti", "\"\(claims.id.uuidString)\""), ("role", #""customer""#),
            ("iat", "\(Self.now)"), ("nbf", "\(Self.now)"), ("exp", "\(Self.now + 900)"),
        ]
    }

    func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    /// The members with one changed, added (new name) or removed (nil).
    func changed(
        _ members: [(String, String)],
        _ name: String,
        _ value: String?
    ) -> [(String, String)] {
        var members = members
        let place = members.firstIndex { $0.0 == name }
        if let value {
            if let place { members[place].1 = value } else { members.append((name, value)) }
        } else if let place {
            members.remove(at: place)
        }
        return members
    }

    /// Signs any header and payload text properly.
    func token(header: String? = nil, payload: String? = nil) throws -> String {
        let header = header ?? object(self.header)
        let payload = payload ?? object(self.payload)
        return try token(headerBytes: Array(header.utf8), payloadBytes: Array(payload.utf8))
    }

    func token(headerBytes: [UInt8], payloadBytes: [UInt8]) throws -> String {
        let input = Base64.url.encode(headerBytes) + "." + Base64.url.encode(payloadBytes)
        return try signed(input)
    }

    func signed(_ input: String) throws -> String {
        input + "." + Base64.url.encode(try key.sign(Array(input.utf8)))
    }

    func token(headerWith name: String, _ value: String?) throws -> String {
        try token(header: object(changed(header, name, value)))
    }

    func token(claim name: String, _ value: String?) throws -> String {
        try token(payload: object(changed(payload, name, value)))
    }

    /// What verification says: the error, or nil when the token is believed.
    func verdict(_ token: String, now: Int64 = Self.now) -> TokenError? {
        do throws(TokenError) {
            _ = try verifier.verify(token, now: now)
            return nil
        } catch { return error }
    }
}
