import Foundation
import Testing

/// A part of `make crash`, the same one each time: processes killed, messages lost, cut, late and
/// doubled, and kills during recoveries.
@Suite(.serialized) struct CrashMatrixTests {
    @Test func `whatever breaks a checkout at any point, everything adds up`() async throws {
        let folder = "/var/tmp/anyway-crash-\(UUID().uuidString)"
        let crash = try await Command.run(
            RunningStack.program("stack"),
            ["crash", "--sample", "64", "--seed", "20260101", "--data", folder],
            within: .seconds(420)
        )
        #expect(crash.status == 0, "\(crash.output)\(crash.errors)")
        #expect(crash.output.contains("72 cases"), "\(crash.output)\(crash.errors)")
        #expect(crash.output.contains(" 0 violated"), "\(crash.output)")
        #expect(!FileManager.default.fileExists(atPath: folder))
    }
}
