internal import HTTP
internal import Postgres
internal import Reactor
internal import ServiceKit
internal import Telemetry

/// Accounts, sessions, profiles and the keys that access tokens are signed with.
@main enum UserServiceMain {
    static func main() {
        Service.run("user") { boot in
            let configuration = try UserConfiguration(boot.environment)
            let database = try await boot.database(migrations: Migrations.all)
            let store = Store<Problem>(database)
            let keys = SigningKeys(store)
            let routes = UserRoutes(store: store, keys: keys, log: boot.log)
            let upkeep = Upkeep(routes: routes, log: boot.log)
            // Before the first request: whoever signs in needs a key.
            try await upkeep.insist("make the signing key") { () throws(Problem) in
                try await keys.refresh(now: routes.now())
            }
            if let administrator = configuration.administrator {
                try await upkeep.insist("make the administrator") { () throws(Problem) in
                    let isNew = try await routes.accounts.makeAdministrator(administrator)
                    if isNew { boot.log.info("administrator made") }
                }
            }
            boot.routes { routes.register(&$0) }
            try boot.publishEvents(in: database, to: ["notification", "gateway"])
            boot.background("signing keys") { await upkeep.refreshKeys() }
            boot.background("ended sessions") { await upkeep.deleteEndedSessions() }
        }
    }
}
