internal import Contracts
internal import FoundationEssentials
internal import HTTP

/// What a user may see of their account.
struct Profile: Sendable, Equatable {
    let id: UserID
    let email: String
    let role: Role
    let createdAt: Date
    var name: String
    var preferences: [String: JSONValue]
    var updatedAt: Date
    /// Counts changes.
    var version: Int64

    /// The entity tag of this version (RFC 9110 section 8.8.3).
    var entityTag: String { "\"v\(version)\"" }
}

extension Profile: Encodable {
    enum CodingKeys: String, CodingKey {
        case id, email, role, name, preferences
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }
}
