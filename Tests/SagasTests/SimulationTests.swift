import Testing

@testable import Simulate

@Suite struct SimulationTests {
    @Test func `no order, cent or item is lost in five thousand schedules of faults`() {
        let report = Report.make(schedules: 5_000, from: 1)
        #expect(report.violation == nil, "\(report.text)")
        // Faults that keep every order from being confirmed, or hit none, would prove nothing.
        for status in [OrderStatus.confirmed, .rejected, .cancelled] {
            #expect(report.endings[status.rawValue] > 200, "\(report.text)")
        }
    }

    /// Behind the epoch the phase is a second fence: alone, no schedule needs it.
    static let takenAway: [(Guards, String)] = [
        (.tombstones, "tombstones"),
        (.epochs, "epochs"),
        ([.epochs, .phases], "epochs and phases"),
        (.providerKeys, "the provider's idempotency keys"),
        (.voidIntent, "the decision to void"),
    ]

    @Test(arguments: takenAway)
    func `taking a guard away is noticed`(guardian: Guards, name: String) {
        let report = Report.make(schedules: 20_000, from: 1, guards: .all.subtracting(guardian))
        #expect(report.violation != nil, "without \(name): \(report.text)")
    }

    @Test func `a seed brings about the same course again`() {
        func course(_ seed: UInt64) -> [String] {
            var world = World(seed: seed)
            var course: [String] = []
            world.trace = { course.append($0) }
            _ = world.run()
            return course
        }
        #expect(course(42) == course(42))
        #expect(course(42) != course(43))
    }
}
