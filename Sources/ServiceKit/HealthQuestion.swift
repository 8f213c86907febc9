internal import Glibc
internal import HTTP
internal import Reactor

/// Asks the process that listens on `ADMIN_LISTEN` whether it is ready.
enum HealthQuestion {
    /// How long the answer may take; less than a container's check may.
    static let limit = Duration.seconds(2)

    /// 0 when it is ready, else 1, and 78 when the environment does not say where to ask.
    static func exitCode(_ name: String, _ environment: Environment) -> Int32 {
        do {
            let admin = try environment.hostAndPort("ADMIN_LISTEN")
            let loops = try EventLoopGroup(count: 1)
            return try loops.runBlocking { try await isReady(admin) } ? 0 : 1
        } catch {
            return Service.exitCode(for: error)
        }
    }

    /// Whoever listens on every address is asked on loopback.
    static func isReady(_ admin: (host: String, port: UInt16)) async throws -> Bool {
        let isEverywhere = ["0.0.0.0", "::"].contains(admin.host)
        let deadline = Deadline.after(limit)
        let address = try await SocketAddress.resolve(
            host: isEverywhere ? "127.0.0.1" : admin.host,
            port: admin.port,
            until: deadline
        )
        let response = try await HTTPClient().send(
            ClientRequest(.get, "/health/ready"),
            to: Endpoint(address.first ?? .loopback(port: admin.port)),
            until: deadline
        )
        return response.status.isSuccess
    }
}
