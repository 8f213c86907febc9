internal import Contracts
internal import HTTP
internal import Messaging
internal import Postgres
internal import ServiceKit

/// Makes accounts: for whoever registers, and for the first administrator.
struct Accounts: Sendable {
    let store: Store<Problem>
    let passwords: Passwords
    let outbox: Outbox

    /// Makes an account and says so, in one transaction; nil when its e-mail address has one.
    func make(_ registration: Registration, as role: Role) async throws(Problem) -> Profile? {
        let user = InsertUser(
            id: .next(),
            email: registration.email,
            passwordHash: try await passwords.hash(registration.password),
            name: registration.name,
            role: role
        )
        let event = try registered(user)
        return try await store.transaction { transaction throws(Problem) in
            guard let profile = try await transaction.one(user) else { return nil }
            try await transaction.run(event)
            return profile
        }
    }

    /// Makes the administrator's account at the first start; true if it was made now.
    ///
    /// An account that exists under this address is left as it is, whoever's it is: somebody who
    /// registered it must not become an administrator by a restart.
    func makeAdministrator(_ registration: Registration) async throws(Problem) -> Bool {
        guard try await store.one(SelectAccount(email: registration.email)) == nil else {
            return false
        }
        return try await make(registration, as: .admin) != nil
    }

    private func registered(_ user: InsertUser) throws(Problem) -> InsertEvent {
        do throws(DatabaseError) {
            return try outbox.publish(
                UserEvent.registered,
                subject: user.id.description,
                sequence: 1,
                data: UserEventData(userID: user.id, email: user.email.text, name: user.name)
            )
        } catch {
            throw Problem(error)
        }
    }
}
