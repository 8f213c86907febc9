import Foundation

/// A program that was run to its end.
struct Command: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// Runs a program; its output goes through files, so no pipe can fill up and block it.
    static func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String]? = nil,
        within limit: Duration = .seconds(60)
    ) async throws -> Command {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("anyway-e2e-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let output = folder.appendingPathComponent("out")
        let errors = folder.appendingPathComponent("err")
        for file in [output, errors] {
            _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        if let environment { process.environment = environment }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        let ended = AsyncStream<Int32>.makeStream()
        process.terminationHandler = { process in
            ended.continuation.yield(process.terminationStatus)
            ended.continuation.finish()
        }
        try process.run()
        let pid = process.processIdentifier
        let guardian = Task {
            try await Task.sleep(for: limit)
            kill(pid, SIGKILL)
        }
        var status: Int32 = -1
        for await code in ended.stream { status = code }
        guardian.cancel()
        return Command(
            status: status,
            output: (try? String(contentsOf: output, encoding: .utf8)) ?? "",
            errors: (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
        )
    }
}
