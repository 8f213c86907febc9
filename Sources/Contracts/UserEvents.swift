/// What the user service says has happened; the `type` of the event and the shape of its `data`.
public enum UserEvent {
    /// Somebody has an account now.
    public static let registered = "user.registered"
    /// A session was ended before its time: what it gave out is void.
    public static let sessionEnded = "user.session_ended"
}

/// The `data` of ``UserEvent/sessionEnded``.
public struct SessionEndedData: Hashable, Sendable, Codable {
    /// The session, `sid` in its access tokens.
    public let sessionID: SessionID
    /// Whose it was.
    public let userID: UserID

    /// What an event says of a session.
    public init(sessionID: SessionID, userID: UserID) {
        self.sessionID = sessionID
        self.userID = userID
    }

    enum CodingKeys: String, CodingKey {
        case sessionID = "session_id"
        case userID = "user_id"
    }
}

/// The `data` of ``UserEvent/registered``.
public struct UserEventData: Hashable, Sendable, Codable {
    /// The user.
    public let userID: UserID
    /// Where mail reaches them.
    public let email: String
    /// What they want to be called.
    public let name: String

    /// What an event says of its user.
    public init(userID: UserID, email: String, name: String) {
        self.userID = userID
        self.email = email
        self.name = name
    }

    enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case email, name
    }
}
