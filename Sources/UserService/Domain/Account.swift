internal import Contracts

/// What signing in needs to know of an account.
struct Account: Sendable {
    let id: UserID
    let role: Role
    /// A PHC string.
    let passwordHash: String
}

/// A session that may be given tokens.
struct Session: Sendable, Equatable {
    let id: SessionID
    let user: UserID
    let role: Role
}

/// Why a session was ended before its time.
enum Revocation: String, Sendable {
    case signedOut = "signed-out"
    /// One of its refresh tokens came twice: it was stolen, from the user or from the thief.
    case replayed
}
