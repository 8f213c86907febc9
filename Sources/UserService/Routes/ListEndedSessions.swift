internal import Contracts
internal import HTTP
internal import Messaging
internal import Postgres

/// The body of `GET /sessions/ended`.
struct EndedSessionList: Encodable {
    /// Sessions whose access tokens are to be refused although they have not expired.
    let sessions: [SessionID]
    /// Where `GET /events` goes on with those that end later.
    let next: String
}

extension UserRoutes {
    /// What a gateway must know before it believes a token, and where it hears of the rest.
    func listEndedSessions(_ request: Request) async throws(Problem) -> Response {
        let rows = try await store.all(SelectEndedSessions())
        guard let transaction = rows.first.flatMap({ UInt64($0.transaction) }) else {
            throw .internalError
        }
        return .json(
            EndedSessionList(
                sessions: rows.compactMap(\.session),
                next: "\(FeedCursor(transaction: transaction, row: .max))"
            ),
            headers: [.cacheControl: "no-store"]
        )
    }
}
