internal import Glibc
internal import HTTP
internal import Launching
internal import Reactor

/// One more gateway of the platform, which an experiment has to itself.
///
/// Its routes are the file `routes.json` in the experiment's folder, so that they can be changed
/// without touching what others use.
struct OwnGateway: Sendable {
    /// Where it serves.
    let address: SocketAddress
    /// Tells it to read its routes again, by SIGHUP.
    let reload: @Sendable () async throws -> Void
    /// What it wrote so far.
    let log: @Sendable () async throws -> [Substring]
    let stop: @Sendable () async -> Void
}

extension StackPlatform {
    func startGateway(_ folder: OwnFolder) async throws -> OwnGateway {
        let environment = Self.gatewayEnvironment(try await settings(), folder)
        let path = Program.sibling("gateway")
        let pid: Int32
        do throws(Launch.Failure) {
            pid = try Launch(
                executable: path,
                environment: environment,
                output: .append(path: "\(folder.path)/gateway.log")
            ).start()
        } catch {
            throw Shop.Failed(description: "cannot start \(path): errno \(error.errno)")
        }
        let gateway = { (address: SocketAddress) in
            OwnGateway(
                address: address,
                reload: { kill(pid, SIGHUP) },
                log: { folder.read("gateway.log").split(separator: "\n") },
                stop: { await Self.end(pid) }
            )
        }
        do {
            let end = Deadline.after(.seconds(20))
            while !end.hasPassed {
                for line in folder.read("gateway.log").split(separator: "\n") {
                    if let port = Self.port(in: line) { return gateway(.loopback(port: port)) }
                }
                try await EventLoop.sleep(for: .milliseconds(100))
            }
            throw Shop.Failed(description: "no gateway came up: \(folder.read("gateway.log"))")
        } catch {
            await Self.end(pid)
            throw error
        }
    }

    /// What the stack's first gateway has, but for its own port and routes.
    static func gatewayEnvironment(
        _ settings: [String: String],
        _ folder: OwnFolder
    ) -> [String: String] {
        var found = [
            "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "INSTANCE": "gateway.own",
            "LISTEN": "127.0.0.1:0", "ADMIN_LISTEN": "127.0.0.1:0", "EVENT_LOOPS": "1",
            "DRAIN_TIME": "2s", "ROUTES": "\(folder.path)/routes.json",
        ]
        found["TLS_CERT"] = settings["GATEWAY_1_TLS_CERT"]
        found["TLS_KEY"] = settings["GATEWAY_1_TLS_KEY"]
        found["TLS_CA"] = settings["TLS_CA"]
        for service in ["user", "product", "order", "payment", "notification"] {
            let name = service.uppercased()
            found["UPSTREAM_\(name)"] =
                (1...32).compactMap { settings["\(name)_\($0)_LISTEN"] }
                .joined(separator: ",")
        }
        return found
    }

    /// The port in the line that says that a process is ready.
    static func port(in line: Substring) -> UInt16? {
        guard let value = try? JSON.decode(JSONValue.self, from: Array(line.utf8)),
            value["message"] == "ready"
        else { return nil }
        return value["listen"]?.string?.split(separator: ":").last.flatMap { UInt16($0) }
    }

    /// Tells a child to stop, and waits for that even when the experiment was stopped in the middle.
    static func end(_ pid: Int32) async {
        await Task(executorPreference: EventLoop.required) {
            kill(pid, SIGTERM)
            for turn in 0..<100 {
                if turn == 60 { kill(pid, SIGKILL) }
                if waitpid(pid, nil, WNOHANG) != 0 { return }
                try? await EventLoop.sleep(for: .milliseconds(100))
            }
        }.value
    }
}

extension ComposePlatform {
    func startGateway(_ folder: OwnFolder) async throws -> OwnGateway {
        let name = "anyway-load-\(UInt32.random(in: 0 ... .max))"
        let variables = ["ROUTES=/run/routes/routes.json", "GATEWAYS=", "INSTANCE=\(name)"]
        let remove: @Sendable () async -> Void = {
            _ = try? await Program.run(docker, ["rm", "-f", name])
        }
        do {
            // What fails or comes too late may have made the container all the same.
            _ = try await run(
                compose + ["run", "-d", "--no-deps", "--name", name]
                    + ["-v", "\(folder.path):/run/routes:ro"]
                    + variables.flatMap { ["-e", $0] } + ["gateway"],
                what: "start a gateway"
            )
            let end = Deadline.after(.seconds(30))
            while !end.hasPassed {
                if let member = try await inspect([name]).first?.member,
                    await Admin().isReady(member), let address = member.listen
                {
                    return OwnGateway(
                        address: address,
                        reload: {
                            _ = try await run([docker, "kill", "-s", "HUP", name], what: "signal")
                        },
                        log: {
                            try await run([docker, "logs", name], what: "read logs").split(
                                separator: "\n"
                            )
                        },
                        stop: remove
                    )
                }
                try await EventLoop.sleep(for: .milliseconds(200))
            }
            let log = try await run([docker, "logs", "--tail", "1", name], what: "read logs")
            throw Shop.Failed(description: "no gateway came up in container \(name): \(log)")
        } catch {
            await remove()
            throw error
        }
    }
}
