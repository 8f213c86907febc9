internal import Glibc

/// One rule of a control file: at which calls what happens.
struct CrashRule: Equatable {
    /// The values are those of CrashPoints' control.h.
    enum Action: UInt32 {
        case mark = 0
        case killBefore = 1
        case killAfter = 2
        case lose = 3
        case truncate = 4
        case delay = 5
        case stall = 6
        case reset = 7
        case pause = 8
    }

    var calls: [CrashStep.Call]
    /// Only calls to or from this port; 0 for any.
    var port: UInt16 = 0
    /// From this call on, counted from 1.
    var first: Int
    /// So many; 0 for all.
    var count = 1
    var action: Action
    var milliseconds = 0
}

/// What tells the preloaded library of one process what to do: a file of 32-bit words that it maps,
/// so that a rule counts at once, and still counts for the next process of that name.
struct ControlFile {
    /// Offsets in words, as control.h lays them out.
    private enum Word {
        static let magic = 0
        static let armed = 1
        static let calls = 2
        static let steps = 3
        static let rules = 8
        static let ports = 72
        static let trace = 104
    }
    static let ruleCount = 8
    static let traceCount = 3072
    private static let magicNumber: UInt32 = 0x4350_5431
    private static let size = (Word.trace + traceCount * 4) * 4

    let path: String
    private let descriptor: Int32

    /// Makes the file, quiet; `ports` are the connections that matter.
    init(_ path: String, ports: [UInt16]) throws(StackError) {
        self.path = path
        // Safe: the path is lent to the kernel for the length of each call.
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0, ftruncate(descriptor, ControlFile.size) == 0,
            // PostgreSQL runs as another user.
            fchmod(descriptor, 0o666) == 0
        else { throw SystemCall.failure("open \(path)") }
        write(Word.magic, [ControlFile.magicNumber])
        write(Word.ports, ports.prefix(31).map(UInt32.init) + [0])
    }

    /// Sets the rules and begins to count from nothing.
    func arm(_ rules: [CrashRule], counting calls: [CrashStep.Call]) {
        disarm()
        write(Word.steps, [0])
        var words: [UInt32] = []
        for rule in rules.prefix(ControlFile.ruleCount) {
            words += [
                rule.calls.reduce(0) { $0 | $1.rawValue }, UInt32(rule.port),
                UInt32(rule.first), UInt32(rule.count), rule.action.rawValue,
                UInt32(rule.milliseconds), 0, 0,
            ]
        }
        words += Array(repeating: 0, count: ControlFile.ruleCount * 8 - words.count)
        write(Word.rules, words)
        write(Word.calls, [calls.reduce(0) { $0 | $1.rawValue }])
        write(Word.armed, [1])
    }

    /// From now on nothing is counted and nothing happens.
    func disarm() { write(Word.armed, [0]) }

    /// From now on this rule does nothing.
    func forget(rule: Int) { write(Word.rules + rule * 8, [0]) }

    /// How often a rule was met.
    func fired(_ rule: Int) -> Int { Int(read(Word.rules + rule * 8 + 7, 1).first ?? 0) }

    /// Every call since the file was armed: its kind and its port.
    func trace() -> [(call: CrashStep.Call, port: UInt16)] {
        let steps = Int(read(Word.steps, 1).first ?? 0)
        let words = read(Word.trace, min(steps, ControlFile.traceCount) * 4)
        return stride(from: 0, to: words.count - 3, by: 4).compactMap { index in
            CrashStep.Call(rawValue: words[index]).map { ($0, UInt16(words[index + 1])) }
        }
    }

    private func write(_ word: Int, _ words: [UInt32]) {
        // Safe: the bytes are lent for the call, which reads exactly as many as there are. A file of
        // ours on local disk takes them all.
        _ = unsafe words.withUnsafeBytes {
            unsafe pwrite(descriptor, $0.baseAddress, $0.count, word * 4)
        }
    }

    private func read(_ word: Int, _ count: Int) -> [UInt32] {
        var words = [UInt32](repeating: 0, count: count)
        // Safe: the kernel writes at most as many bytes as the array holds.
        _ = unsafe words.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress, $0.count, word * 4)
        }
        return words
    }
}
