/// Signs access tokens: JWS compact serialization, ES256, `typ: at+jwt` (RFC 7515, 7518, 9068).
public struct TokenSigner: Sendable {
    private let key: SigningKey
    private let header: [UInt8]

    /// Signs with this key, whose id goes into the header.
    public init(_ key: SigningKey) {
        self.key = key
        header = Base64.url.encodeBytes(
            #"{"alg":"ES256","kid":"\#(key.id)","typ":"\#(AccessToken.type)"}"#.utf8
        )
    }

    /// The token: three base64url segments joined by dots.
    public func sign(_ claims: AccessClaims) throws(IdentityError) -> String {
        let payload = claims.payload(
            issuer: AccessToken.issuer,
            audience: AccessToken.audience
        )
        var token = header
        token.append(UInt8(ascii: "."))
        token += Base64.url.encodeBytes(payload.utf8)
        let signature = try key.sign(token)
        token.append(UInt8(ascii: "."))
        token += Base64.url.encodeBytes(signature)
        return String(decoding: token, as: UTF8.self)
    }
}
