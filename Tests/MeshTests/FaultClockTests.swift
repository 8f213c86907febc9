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

    @Test func `a rule for the clock that ends leaves the others in force`() async throws {
        let shifts = Mutex<[Double]>([])
        let faults = FaultInjector(log: .silent) { by, _ in
            shifts.withLock { $0.append(by / .seconds(1)) }
        }
        try await onLoop {
            try faults.add(["name": "late", "clock_offset_ms": -90_000])
            try faults.add(["name": "brief", "clock_offset_ms": 1000, "duration_ms": 50])
            #expect(try await eventually { shifts.withLock { $0.count } == 3 })
        }
        #expect(shifts.withLock { $0 } == [-90, -89, -90])
    }

    @Test func `rules that come at once are all there, and nothing counted is lost`() async throws {
        let faults = FaultInjector(log: .silent) { _, _ in }
        try faults.add(["name": "seen", "latency_ms": 1])
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<80 {
                group.addTask {
                    let rule: JSONValue = [
                        "name": .string("r\(number)"), "error": 503, "skip": 1000,
                    ]
                    #expect(throws: Never.self) { try faults.add(rule) }
                }
                group.addTask {
                    for _ in 0..<50 {
                        _ = faults.decide(.init(.incoming, .get, path: ["x"], peer: nil))
                    }
                }
            }
        }
        let rules = try #require(faults.document["rules"]?.array)
        #expect(rules.count == 81)
        let counted = try #require(rules.first { $0["name"] == "seen" })
        let seen = try #require(counted["seen"]?.integer)
        #expect(seen == 4000)
    }
}
