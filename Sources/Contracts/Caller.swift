/// The headers in which the gateway tells a service on whose behalf it calls.
///
/// Services believe them from the gateway's certificate alone; the gateway drops what clients send
/// under these names.
public enum CallerHeader {
    /// The user's id.
    public static let user = "x-anyway-user"
    /// What the user may do: `customer` or `admin`.
    public static let role = "x-anyway-role"
    /// The session that the access token belongs to.
    public static let session = "x-anyway-session"
    /// Names beginning so are the platform's own and never cross the gateway from outside.
    public static let reservedPrefix = "x-anyway-"
}

/// What a user may do.
public enum Role: String, Sendable, Codable {
    /// Buys, and sees what is theirs.
    case customer
    /// Manages the catalog and sees everything.
    case admin
}
