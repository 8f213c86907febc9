import Foundation
import Testing

/// What makes no saga does not compile, and the compiler says what to write instead.
///
/// Each snippet is checked by the compiler itself against the module that this build made.
@Suite struct SagaGrammarTests {
    private static let step = #"Step("charge", do: { (_: Int) in .done }, undo: { _ in .done })"#
    private static let pivot = #"Pivot("confirm", commit: commit)"#
    private static let retry = #"Retry("tell", do: { (_: Int) in .done })"#
    private static let decision = #"Decision("cancel")"#

    /// A program with one saga of these lines.
    private static func program(_ lines: [String]) -> String {
        let isDecided = lines.first == decision
        let head =
            isDecided
            ? #"Saga("cancel", finished: commit)"#
            : #"Saga("place", deadline: .seconds(1), reject: giveUp)"#
        return """
            import Postgres
            import Sagas
            @Sendable func commit(_: Int, _ save: SagaCommit) async throws(DatabaseError) {
                try await save()
            }
            @Sendable func giveUp(
                _: Int, _: Refusal, _ save: SagaCommit
            ) async throws(DatabaseError) {
                try await save()
            }
            let saga: Saga<Int> = \(head) {
            \(lines.joined(separator: "\n"))
            }
            """
    }

    private static let sagas = [
        [pivot], [step, pivot], [step, step, pivot, retry, retry], [decision, retry],
    ]

    private static let others: [(lines: [String], complaint: String)] = [
        ([pivot, step], "nothing is undone after the pivot: make this a Retry"),
        ([step, pivot, retry, step], "nothing is undone after the pivot: make this a Retry"),
        ([decision, step], "nothing is undone after the decision: make this a Retry"),
        ([step, pivot, pivot], "a saga is decided once: it has one pivot"),
        ([decision, pivot], "a saga is decided once: its Decision is its pivot"),
        ([step, retry, pivot], "before the pivot a step can be undone: make this a Step"),
        ([step], "a saga needs a Pivot after its last Step"),
    ]

    @Test func `a saga is steps, one pivot and what is retried, and nothing else compiles`() throws
    {
        for lines in Self.sagas {
            #expect(try Self.complaints(about: lines) == "", "\(lines)")
        }
        for (lines, complaint) in Self.others {
            let said = try Self.complaints(about: lines)
            #expect(said.contains("error:") && said.contains(complaint), "\(lines): \(said)")
        }
    }

    /// What the compiler says to a saga of these lines; empty when it compiles.
    private static func complaints(about lines: [String]) throws -> String {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("anyway-grammar-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = folder.appendingPathComponent("main.swift")
        try Data(program(lines).utf8).write(to: source)
        let output = folder.appendingPathComponent("output")
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/bin/bash")
        // libpq's headers are where pkg-config says, as in the build.
        let headers = #"$(pkg-config --cflags-only-I libpq | sed 's/-I/-Xcc -I/g')"#
        let command = #"exec swiftc -typecheck -swift-version 6 \#(headers) "$@""#
        compiler.arguments = ["-c", command, "swiftc"] + flags + [source.path]
        compiler.standardInput = FileHandle.nullDevice
        compiler.standardOutput = FileHandle.nullDevice
        compiler.standardError = try FileHandle(forWritingTo: output)
        try compiler.run()
        compiler.waitUntilExit()
        let said = try String(contentsOf: output, encoding: .utf8)
        #expect((compiler.terminationStatus == 0) == said.isEmpty, "\(said)")
        return said
    }

    /// Where this build's modules are, and the maps of the C ones among them.
    private static let flags: [String] = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let programs = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let folders = [programs, root.appendingPathComponent(".build/debug")]
        let modules = folders.map { $0.appendingPathComponent("Modules").path }
            .first { FileManager.default.fileExists(atPath: "\($0)/Sagas.swiftmodule") }
        let maps = ["CLinux", "COpenSSL", "CPostgres", "CYajl", "CZlib"].flatMap { name in
            ["-Xcc", "-fmodule-map-file=\(root.path)/Sources/\(name)/module.modulemap"]
        }
        return ["-I", modules ?? ".build/debug/Modules"] + maps
    }()
}
