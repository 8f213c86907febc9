/// What the user service says has happened; the `type` of the event and the shape of its `data`.
public enum UserEvent {
    /// Somebody has an account now.
    public static let registered = "user.registered"
}

/// The `data` of every user event.
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
