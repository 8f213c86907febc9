internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

/// Replaces a profile's name and preferences, if nobody has changed it since this version.
struct UpdateProfile: Statement {
    static let sql = """
        UPDATE users
        SET name = $3, preferences = $4, version = version + 1, updated_at = now()
        WHERE id = $1 AND version = $2
        RETURNING id, email, role, created_at, name, preferences, updated_at, version
        """
    let id: UserID
    let version: Int64
    let name: String
    let preferences: JSONText

    /// `profile` as it should be, with the version it was read at.
    ///
    /// Throws what encoding the preferences does, which values that came as JSON never cause.
    init(_ profile: Profile) throws {
        id = profile.id
        version = profile.version
        name = profile.name
        preferences = JSONText(try JSON.encode(profile.preferences))
    }

    func bind(_ parameters: inout Parameters) {
        parameters.append(id, version, name, preferences)
    }

    static func decode(_ row: borrowing Row) throws(DatabaseError) -> Profile {
        try Profile(row)
    }
}
