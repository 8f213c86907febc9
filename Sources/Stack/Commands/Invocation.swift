/// What the user asked for, checked word by word before anything happens.
struct Invocation: Equatable {
    var data = ".anyway"
    var command: Command

    /// One command with its options.
    enum Command: Equatable {
        case help
        case up(UpOptions)
        /// Runs in the background for `up --detach --supervise`; nobody types it.
        case supervise
        case down(wipe: Bool)
        case ps
        case logs(LogOptions)
        case status(json: Bool)
        case control(Verb, [Target])
        case fault(Target, FaultOrder)
        case verify(Verify.Options)
        /// Where consumers of events stand, and what they have set aside.
        case events
        /// Applies what was set aside of one subject.
        case replay(String)
        case env
        case crash(CrashOptions)
        /// Makes what a stack in containers needs, below the folder.
        case provision(String)
    }

    /// What is asked about injected faults.
    enum FaultOrder: Equatable {
        case list
        case clear
        /// A rule, or a document of rules, as JSON.
        case add(String)
    }

    /// What can be done to a process.
    enum Verb: String, CaseIterable {
        case kill, pause, resume, start, restart
    }

    /// Reads the words after `stack`.
    init(_ words: [String]) throws(StackError) {
        var words = Words(words)
        let name = words.next() ?? "help"
        if words.takesHelp() || ["help", "--help", "-h"].contains(name) {
            command = .help
            return
        }
        let data = try words.value("--data")
        if let data { self.data = data }
        if name == "crash" {
            // Its stack is its own: a default folder would be somebody's shop.
            command = .crash(try CrashOptions(&words, folder: data))
        } else if let verb = Verb(rawValue: name) {
            command = try Invocation.control(verb, &words)
        } else {
            command = try Invocation.command(name, &words)
        }
        try words.finish(name)
    }

    private static func command(_ name: String, _ words: inout Words) throws(StackError) -> Command
    {
        switch name {
        case "up": .up(try UpOptions(&words))
        case "supervise": .supervise
        case "down": .down(wipe: words.flag("--wipe"))
        case "ps": .ps
        case "logs": .logs(try LogOptions(&words))
        case "status": .status(json: words.flag("--json"))
        case "fault": try fault(&words)
        case "verify": .verify(try Verify.Options(&words))
        case "events": .events
        case "replay": try replay(&words)
        case "env": .env
        case "provision": try provision(&words)
        default: throw .usage("there is no command \"\(name)\"")
        }
    }

    private static func control(_ verb: Verb, _ words: inout Words) throws(StackError) -> Command {
        var targets: [Target] = []
        while let word = words.plain() { targets.append(try Target(word)) }
        guard !targets.isEmpty else {
            throw .usage("\(verb.rawValue) what? For example: stack \(verb.rawValue) order.2")
        }
        return .control(verb, targets)
    }

    private static func provision(_ words: inout Words) throws(StackError) -> Command {
        guard let folder = words.plain() else {
            throw .usage("provision needs a folder: stack provision /provision")
        }
        return .provision(Files.absolute(folder))
    }

    private static func replay(_ words: inout Words) throws(StackError) -> Command {
        guard let subject = words.plain() else {
            throw .usage("replay what? stack events lists the subjects")
        }
        // It becomes part of a path: what could mean more than itself there is no subject of ours.
        let isPlain = subject.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isPlain else {
            throw .usage("replay \(subject): a subject is made of letters, digits, - and _")
        }
        return .replay(subject)
    }

    private static func fault(_ words: inout Words) throws(StackError) -> Command {
        guard let name = words.plain() else {
            throw .usage("fault needs a name and JSON: stack fault payment '{\"latency_ms\":300}'")
        }
        let target = try Target(name)
        guard target != .postgres else {
            throw .usage("faults are injected into services; for PostgreSQL use kill or pause")
        }
        let clear = words.flag("--clear")
        guard let json = words.plain() else { return .fault(target, clear ? .clear : .list) }
        guard !clear else { throw .usage("fault takes a rule or --clear, not both") }
        return .fault(target, .add(json))
    }
}

/// The words that are left to read, in any order of flags.
struct Words {
    private var left: [String]

    init(_ words: [String]) {
        left = words
    }

    /// The next word, whatever it is.
    mutating func next() -> String? {
        left.isEmpty ? nil : left.removeFirst()
    }

    /// The next word that is not a flag.
    mutating func plain() -> String? {
        left.firstIndex { !$0.hasPrefix("-") }.map { left.remove(at: $0) }
    }

    /// Whether help was asked for anywhere.
    func takesHelp() -> Bool { left.contains("--help") || left.contains("-h") }

    /// Whether the flag is there.
    mutating func flag(_ name: String) -> Bool {
        guard let index = left.firstIndex(of: name) else { return false }
        left.remove(at: index)
        return true
    }

    /// The value of `--name value` or `--name=value`.
    mutating func value(_ name: String) throws(StackError) -> String? {
        if let index = left.firstIndex(where: { $0.hasPrefix(name + "=") }) {
            let value = String(left.remove(at: index).dropFirst(name.count + 1))
            guard !value.isEmpty else { throw .usage("\(name) needs a value") }
            return value
        }
        guard let index = left.firstIndex(of: name) else { return nil }
        guard index + 1 < left.count, !left[index + 1].hasPrefix("--") else {
            throw .usage("\(name) needs a value")
        }
        left.remove(at: index)
        return left.remove(at: index)
    }

    /// A whole number within bounds.
    mutating func number(_ name: String, _ bounds: ClosedRange<Int>) throws(StackError) -> Int? {
        guard let text = try value(name) else { return nil }
        guard let number = Int(text), bounds.contains(number) else {
            throw .usage(
                "\(name) \(text): must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
            )
        }
        return number
    }

    /// Refuses what nobody read.
    func finish(_ command: String) throws(StackError) {
        if let word = left.first { throw .usage("\(command) does not know \"\(word)\"") }
    }
}
