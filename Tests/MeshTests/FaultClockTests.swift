import HTTP
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import Mesh

@Suite struct FaultClockTests {
    @Test func `a rule for the clock is put in force, and lifted with the rule`() throws {
        let shifts = Mutex<[(Duration, Bool)]>([])
        let faults = FaultInjector(log: .silent) { by, end in
            shifts.withLock { $0.append((by, end == .never)) }
        }
        try faults.add(["name": "late", "clock_offset_ms": -90_000])
        try faults.add(["name": "brief", "clock_offset_ms": 1000, "duration_ms": 60_000])
        try faults.remove("brief")
        faults.removeAll()
        let seconds = shifts.withLock { $0.map { $0.0 / .seconds(1) } }
        #expect(seconds == [-90, -89, -90, 0])
        #expect(shifts.withLock { $0.map(\.1) } == [true, false, true, true])
    }
}
