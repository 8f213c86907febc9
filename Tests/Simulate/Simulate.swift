import Glibc

/// Runs the saga engine's decisions through random schedules of faults on a virtual clock:
/// `simulate [--schedules N] [--seed N]`.
@main enum Simulate {
    static func main() {
        var schedules = 1_000_000
        var seed: UInt64 = 1
        var arguments = CommandLine.arguments.dropFirst()
        while let option = arguments.popFirst() {
            guard let value = arguments.popFirst().flatMap(UInt64.init) else { usage(option) }
            switch option {
            case "--schedules": schedules = Int(value)
            case "--seed": seed = value
            default: usage(option)
            }
        }
        if schedules == 1 {
            var world = World(seed: seed)
            world.trace = { print($0) }
            _ = world.run()
        }
        let report = Report.make(schedules: schedules, from: seed)
        print(report.text)
        exit(report.violation == nil ? 0 : 1)
    }

    private static func usage(_ option: String) -> Never {
        print("simulate: cannot read \(option); usage: simulate [--schedules N] [--seed N]")
        exit(64)
    }
}

/// What a number of schedules came to.
struct Report {
    var schedules = 0
    var occurrences = 0
    var endings = [Int](repeating: 0, count: OrderStatus.cancelled.rawValue + 1)
    /// The first violation, and the seed that brings it about again.
    var violation: (seed: UInt64, what: String)?

    /// Runs schedules with the seeds from `first` on, until one violates an invariant.
    static func make(schedules: Int, from first: UInt64, guards: Guards = .all) -> Report {
        var report = Report()
        for index in 0..<schedules {
            let seed = first &+ UInt64(index)
            var world = World(seed: seed, guards: guards)
            let violation = world.run()
            report.schedules += 1
            report.occurrences += world.steps
            report.endings[world.orders.status.rawValue] += 1
            if let violation {
                report.violation = (seed, violation)
                return report
            }
        }
        return report
    }

    var text: String {
        var lines = ["\(schedules) schedules, \(occurrences) occurrences"]
        for status in [OrderStatus.absent, .confirmed, .rejected, .cancelled] {
            lines.append("\(status): \(endings[status.rawValue])")
        }
        if let violation {
            lines.append("VIOLATED: \(violation.what)")
            lines.append("again: simulate --schedules 1 --seed \(violation.seed)")
        } else {
            lines.append("no violation")
        }
        return lines.joined(separator: "\n")
    }
}
