import Foundation
import Launching

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
        // Not Foundation's Process: it keeps descriptors, and with more than 1,300 of them open it reads
        // beyond the list that it makes of them.
        let pid = try Launch(
            executable: program,
            arguments: arguments,
            environment: environment ?? ProcessInfo.processInfo.environment,
            output: .append(path: output.path),
            errors: .append(path: errors.path)
        ).start()
        let status = try await Self.end(of: pid, within: limit)
        return Command(
            status: status,
            output: (try? String(contentsOf: output, encoding: .utf8)) ?? "",
            errors: (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
        )
    }

    /// Waits for the exit code, or the signal that ended it; kills what takes too long.
    private static func end(of pid: Int32, within limit: Duration) async throws -> Int32 {
        let end = ContinuousClock.now + limit
        var status: Int32 = 0
        var (pause, isLate) = (Duration.milliseconds(1), false)
        while waitpid(pid, &status, WNOHANG) == 0 {
            if !isLate, ContinuousClock.now > end {
                isLate = true
                kill(pid, SIGKILL)
            }
            // Also when the test is cancelled: nobody else would wait for it.
            do { try await Task.sleep(for: pause) } catch { kill(pid, SIGKILL) }
            pause = min(pause * 2, .milliseconds(10))
        }
        return status & 0x7f == 0 ? status >> 8 & 0xff : status & 0x7f
    }
}
