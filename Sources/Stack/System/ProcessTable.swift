internal import Glibc

/// A process that cannot be mistaken for another: pids are reused, a pid with its start time is not.
struct ProcessIdentity: Codable, Hashable, Sendable {
    var pid: Int32
    /// Clock ticks between boot and start: field 22 of /proc/PID/stat.
    var startTicks: UInt64

    /// The process of a pid that runs now.
    init?(of pid: Int32) {
        guard let facts = ProcessFacts(pid: pid), facts.isAlive else { return nil }
        self.pid = pid
        startTicks = facts.startTicks
    }

    init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }

    /// Whether this very process still runs; a zombie does not.
    var isAlive: Bool {
        guard let facts = ProcessFacts(pid: pid) else { return false }
        return facts.isAlive && facts.startTicks == startTicks
    }

    /// Whether it was stopped by `stack pause`.
    var isPaused: Bool {
        guard let facts = ProcessFacts(pid: pid), facts.startTicks == startTicks else {
            return false
        }
        return facts.state == "T"
    }

    /// Sends the signal if, and only if, this very process still runs.
    @discardableResult
    func send(_ signal: Int32) -> Bool {
        isAlive && kill(pid, signal) == 0
    }

    /// Its children, for PostgreSQL, whose backends each lead a session of their own.
    var children: [ProcessIdentity] {
        ProcessTable.all().compactMap { other in
            guard other.parent == pid, other.isAlive else { return nil }
            return ProcessIdentity(pid: other.pid, startTicks: other.startTicks)
        }
    }

    /// Proportional set size in KiB, what it really costs; nil when we may not look.
    var proportionalKiB: Int? {
        ProcessTable.proportionalKiB(
            smaps: Files.text("/proc/\(pid)/smaps_rollup") ?? ""
        )
    }
}

/// One line of /proc/PID/stat.
struct ProcessFacts: Equatable {
    let pid: Int32
    let state: Character
    let parent: Int32
    let startTicks: UInt64

    /// Dead processes that nobody has reaped yet do not count as running.
    var isAlive: Bool { state != "Z" && state != "X" }

    init?(pid: Int32) {
        guard pid > 0, let line = Files.text("/proc/\(pid)/stat") else { return nil }
        self.init(line: line)
    }

    /// Parses the line.
    ///
    /// The name in parentheses may itself hold parentheses and spaces (proc(5)).
    init?(line: String) {
        guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"),
            let pid = Int32(line[..<open].trimmingSuffix(" "))
        else { return nil }
        let fields = line[line.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let startTicks = UInt64(fields[19])
        else { return nil }
        self.pid = pid
        self.state = state
        self.parent = parent
        self.startTicks = startTicks
    }
}

/// What /proc says about all processes.
enum ProcessTable {
    /// Every process we can see.
    static func all() -> [ProcessFacts] {
        Files.names(in: "/proc").compactMap { Int32($0) }.compactMap { ProcessFacts(pid: $0) }
    }

    /// The processes whose environment holds this very entry (`KEY=value`).
    static func marked(_ entry: String) -> [ProcessIdentity] {
        let wanted = Array(entry.utf8)
        return all().compactMap { facts in
            guard facts.isAlive, facts.pid != getpid(),
                let environment = Files.read("/proc/\(facts.pid)/environ"),
                environment.split(separator: 0).contains(where: { $0.elementsEqual(wanted) })
            else { return nil }
            return ProcessIdentity(pid: facts.pid, startTicks: facts.startTicks)
        }
    }

    /// Reads `Pss:` out of /proc/PID/smaps_rollup.
    static func proportionalKiB(smaps: String) -> Int? {
        for line in smaps.split(separator: "\n") where line.hasPrefix("Pss:") {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        }
        return nil
    }

    /// Tells this boot from every other, since start times begin again with each.
    static func bootID() -> String {
        (Files.text("/proc/sys/kernel/random/boot_id") ?? "").trimmingSuffix("\n")
    }
}

extension StringProtocol {
    /// Without any number of the given character at the end.
    func trimmingSuffix(_ character: Character) -> String {
        var end = endIndex
        while end > startIndex, self[index(before: end)] == character { end = index(before: end) }
        return String(self[..<end])
    }
}
