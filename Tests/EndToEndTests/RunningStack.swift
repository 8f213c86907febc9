import Foundation
import Testing

/// A stack of real processes on a real PostgreSQL, in a folder and on a port of its own.
struct RunningStack: Sendable {
    let folder: String
    let port: Int
    let curl: Curl

    /// Where this build's programs are.
    static let programs: String = {
        var folder = Bundle.main.bundleURL
        #if os(Linux)
            folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        #endif
        return folder.path
    }()

    static func program(_ name: String) -> String {
        let folders = [
            programs,
            URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent(".build/debug").path,
        ]
        let found = folders.map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        return found ?? name
    }

    /// Starts a stack, runs `body` and stops the stack again, whatever happened.
    static func with(
        _ flags: [String] = ["--lean"],
        _ body: (RunningStack) async throws -> Void
    ) async throws {
        let stack = try await start(flags)
        do {
            try await body(stack)
        } catch {
            Issue.record("\(error)\n\(await stack.lastLines())")
            try await stack.stop()
            return
        }
        try await stack.stop()
    }

    private static func start(_ flags: [String]) async throws -> RunningStack {
        let folder = "/var/tmp/anyway-e2e-\(UUID().uuidString)"
        let port = try freePort()
        let stack = RunningStack(folder: folder, port: port, curl: Curl(port: port))
        let up = try await stack.run(
            ["up", "--detach", "--port", "\(port)"] + flags,
            within: .seconds(90)
        )
        guard up.status == 0 else {
            let lines = await stack.lastLines()
            try? await stack.stop()
            throw Failed("stack up: \(up.output)\(up.errors)\n\(lines)")
        }
        return stack
    }

    /// Runs a command of the stack program.
    @discardableResult
    func run(_ words: [String], within limit: Duration = .seconds(60)) async throws -> Command {
        try await Command.run(
            Self.program("stack"),
            words + ["--data", folder],
            within: limit
        )
    }

    /// Runs a command that must succeed.
    func must(_ words: String...) async throws {
        let command = try await run(words)
        guard command.status == 0 else {
            throw Failed(
                "stack \(words.joined(separator: " ")): \(command.output)\(command.errors)"
            )
        }
    }

    private func stop() async throws {
        let down = try await run(["down", "--wipe"], within: .seconds(60))
        #expect(down.status == 0, "stack down: \(down.output)\(down.errors)")
    }

    private func lastLines() async -> String {
        (try? await run(["logs", "-n", "40"]))?.output ?? ""
    }

    private static func freePort() throws -> Int {
        // The tests of one process run on different ports because each asks the kernel anew.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) + getsockname(descriptor, $0, &length)
            }
        }
        guard bound == 0 else { throw Failed("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

struct Failed: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
