/// Why a token was refused.
///
/// For logs and metrics: a client is told `invalid_token` and no more.
public enum TokenError: Error, Sendable, Hashable {
    /// Not a compact JWS of ours: segments, base64url, JSON, or a header we do not accept.
    case malformed
    /// Signed by a key that is not known; worth one rate-limited look at the key set.
    case unknownKey(String)
    /// The signature is not that key's over this token.
    case badSignature
    /// Past `exp`.
    case expired
    /// Before `nbf`, or issued in the future.
    case notYetValid
    /// Claims missing, of the wrong type, or for another issuer or audience.
    case badClaims
}

/// Checks access tokens as RFC 8725 asks: one algorithm, one type, keys by name only.
///
/// A value: when the key set rotates, make another one. ECDSA signatures are malleable (s and
/// n - s are both valid), so whoever caches results must use the whole token as the key.
public struct TokenVerifier: Sendable {
    private let keys: [String: VerifyingKey]
    private let issuer: String
    private let audience: String
    private let leeway: Int64

    /// Believes tokens that one of these keys signed, for this issuer and audience.
    public init(
        keys: some Sequence<VerifyingKey>,
        issuer: String = AccessToken.issuer,
        audience: String = AccessToken.audience,
        leeway: Duration = AccessToken.leeway
    ) {
        self.keys = Dictionary(keys.map { ($0.id, $0) }) { first, _ in first }
        self.issuer = issuer
        self.audience = audience
        self.leeway = leeway.components.seconds
    }

    /// The token's claims if it is genuine and valid at `now`, in seconds since 1970.
    ///
    /// About 50 microseconds, nearly all of it the signature. No claim is looked at before the
    /// signature is checked, and nothing is ever fetched on a token's word (`jku`, `x5u`, `jwk`).
    public func verify(_ token: String, now: Int64) throws(TokenError) -> AccessClaims {
        let bytes = Array(token.utf8)
        guard bytes.count <= AccessToken.maximumBytes else { throw .malformed }
        let segments = bytes.split(
            separator: UInt8(ascii: "."),
            maxSplits: 3,
            omittingEmptySubsequences: false
        )
        guard segments.count == 3, segments.allSatisfy({ !$0.isEmpty }),
            let header = Base64.url.decode(segments[0]),
            let payload = Base64.url.decode(segments[1]),
            let name = Self.keyName(inHeader: header)
        else { throw .malformed }
        guard let key = keys[name] else { throw .unknownKey(name) }
        guard let raw = Base64.url.decode(segments[2]), let signature = ECDSASignature(raw: raw),
            key.isValid(signature, for: bytes[..<segments[1].endIndex])
        else { throw .badSignature }
        guard
            let claims = AccessClaims(payload: payload, issuer: issuer, audience: audience)
        else { throw .badClaims }
        try check(claims, now: now)
        return claims
    }

    /// Whether claims verified earlier are still valid: for caches of verified tokens.
    public func check(_ claims: AccessClaims, now: Int64) throws(TokenError) {
        guard now < claims.expiresAt + leeway else { throw .expired }
        guard claims.notBefore <= now + leeway, claims.issuedAt <= now + leeway else {
            throw .notYetValid
        }
    }

    /// The `kid` of a header that we accept; everything else about keys in it is ignored.
    private static func keyName(inHeader bytes: [UInt8]) -> String? {
        guard let members = StrictJSON(bytes)?.members, members["alg"]?.text == "ES256",
            let type = members["typ"]?.text?.lowercased(),
            type == AccessToken.type || type == "jwt",
            // RFC 7515 section 4.1.11: we understand no extension, so none may be critical.
            members["crit"] == nil,
            members["b64"] == nil || members["b64"] == .bool(true),
            let name = members["kid"]?.text, isKeyName(name)
        else { return nil }
        return name
    }

    /// Whether a name could be one of ours, which are thumbprints.
    ///
    /// It is only ever looked up in a dictionary, but it does end up in
    /// an error and so in logs.
    static func isKeyName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
