import Glibc
import Testing

@testable import Reactor

@Suite(.serialized) struct ProcessClockTests {
    private var real: Int64 { Int64(time(nil)) }

    @Test func `it is the machine's, off by what was said, until it ends`() async throws {
        defer { ProcessClock.shift(by: .zero) }
        #expect(abs(ProcessClock.seconds - real) <= 1)
        ProcessClock.shift(by: .seconds(-3600))
        #expect(abs(ProcessClock.seconds - real + 3600) <= 1)
        #expect(abs(ProcessClock.milliseconds / 1000 - real + 3600) <= 1)
        ProcessClock.shift(by: .seconds(3600), until: .now)
        #expect(abs(ProcessClock.seconds - real) <= 1)
    }
}
