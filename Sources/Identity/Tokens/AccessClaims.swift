public import FoundationEssentials

/// What the platform's own access tokens have in common: the user service writes them, the
/// gateway believes nothing else.
public enum AccessToken {
    /// Who issues them (`iss`).
    public static let issuer = "https://anyway.local/user"
    /// Whom they are for (`aud`).
    public static let audience = "anyway"
    /// How long they are valid.
    public static let lifetime = Duration.seconds(900)
    /// By how much the clocks of two machines may differ.
    public static let leeway = Duration.seconds(30)
    /// The longest token that is looked at, in bytes.
    public static let maximumBytes = 8192
    /// The header's `typ` (RFC 9068 section 2.1).
    public static let type = "at+jwt"
}

/// What a user may do.
public enum AccessRole: String, Sendable, Hashable, CaseIterable {
    /// Buys.
    case customer
    /// Manages the catalog and sees everybody's orders.
    case admin
}

/// The claims of an access token, all of them required.
public struct AccessClaims: Sendable, Hashable {
    /// The user (`sub`).
    public var subject: UUID
    /// The session that the token was issued in (`sid`); ends with its refresh token's family.
    public var session: UUID
    /// What the user may do (`role`).
    public var role: AccessRole
    /// This token (`jti`).
    public var id: UUID
    /// Seconds since 1970 (`iat`).
    public var issuedAt: Int64
    /// Seconds since 1970 (`nbf`).
    public var notBefore: Int64
    /// Seconds since 1970 (`exp`).
    public var expiresAt: Int64

    /// The claims of a token issued at `now`, in seconds since 1970, valid from then on.
    public init(
        subject: UUID,
        session: UUID,
        role: AccessRole,
        id: UUID = UUID(),
        now: Int64,
        lifetime: Duration = AccessToken.lifetime
    ) {
        self.subject = subject
        self.session = session
        self.role = role
        self.id = id
        issuedAt = now
        notBefore = now
        expiresAt = now + lifetime.components.seconds
    }

    /// The claims in a token's payload, whatever the time; nil if one is missing, of another
    /// type, or not for us.
    init?(payload: [UInt8], issuer: String, audience: String) {
        guard let members = StrictJSON(payload)?.members,
            members["iss"]?.text == issuer, Self.names(audience, in: members["aud"]),
            let subject = Self.uuid(members["sub"]), let session = Self.uuid(members["sid"]),
            let id = Self.uuid(members["jti"]),
            let role = members["role"]?.text.flatMap(AccessRole.init(rawValue:)),
            let issuedAt = Self.date(members["iat"]), let notBefore = Self.date(members["nbf"]),
            let expiresAt = Self.date(members["exp"])
        else { return nil }
        self.subject = subject
        self.session = session
        self.role = role
        self.id = id
        self.issuedAt = issuedAt
        self.notBefore = notBefore
        self.expiresAt = expiresAt
    }

    /// The payload; nothing in it needs escaping but what the caller may have put in the names.
    func payload(issuer: String, audience: String) -> String {
        """
        {"iss":"\(issuer)","aud":"\(audience)","sub":"\(Self.text(subject))",\
        "sid":"\(Self.text(session))","jti":"\(Self.text(id))","role":"\(role.rawValue)",\
        "iat":\(issuedAt),"nbf":\(notBefore),"exp":\(expiresAt)}
        """
    }

    private static func text(_ id: UUID) -> String { id.uuidString.lowercased() }

    /// RFC 7519 section 4.1.3: one name, or a list that has ours.
    private static func names(_ audience: String, in value: StrictJSON?) -> Bool {
        switch value {
        case .string(let name): name == audience
        case .array(let names):
            names.allSatisfy { $0.text != nil } && names.contains(.string(audience))
        default: false
        }
    }

    private static func uuid(_ value: StrictJSON?) -> UUID? {
        guard let text = value?.text, text.utf8.count == 36 else { return nil }
        return UUID(uuidString: text)
    }

    /// A NumericDate (RFC 7519 section 2) until the year 9999; fractions are rounded down.
    private static func date(_ value: StrictJSON?) -> Int64? {
        guard case .number(let seconds) = value, (0...253_402_300_799).contains(seconds) else {
            return nil
        }
        return Int64(seconds)
    }
}
