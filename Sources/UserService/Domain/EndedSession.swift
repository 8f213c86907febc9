internal import Contracts
internal import Identity

/// A session that was ended before its time.
struct EndedSession: Sendable, Equatable {
    let id: SessionID
    let user: UserID

    /// For how many seconds after its end it must be told of: until the last of its access tokens has
    /// expired by everybody's clock, and a minute for one that was being made meanwhile.
    static let tellingSeconds =
        AccessToken.lifetime.components.seconds + 2 * AccessToken.leeway.components.seconds + 60
}
