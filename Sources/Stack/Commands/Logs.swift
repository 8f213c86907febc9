/// What `stack logs` was asked for.
struct LogOptions: Equatable {
    var target: Target?
    var follow = false
    var lines = 200

    init() {}

    init(_ words: inout Words) throws(StackError) {
        follow = words.flag("-f")
        lines = try words.number("-n", 0...1_000_000) ?? 200
        if let word = words.plain() { target = try Target(word) }
    }
}

/// `stack logs`: the end of what the processes wrote, and with -f what they write from now on.
struct Logs {
    let layout: Layout
    let options: LogOptions

    func run() throws(StackError) {
        let names = try names()
        let prefixed = names.count > 1
        var tails = names.map { LogTail(name: $0, path: layout.log($0)) }
        for index in tails.indices {
            show(tails[index].last(options.lines), tails[index].name, prefixed)
        }
        while options.follow {
            for index in tails.indices { show(tails[index].more(), tails[index].name, prefixed) }
            try Interrupts.pause(.milliseconds(150))
        }
    }

    private func names() throws(StackError) -> [String] {
        let state = try StateFile(layout: layout).require()
        guard let target = options.target else {
            return ["postgres"] + state.members.map(\.plan.name.description)
        }
        if target == .postgres { return ["postgres"] }
        return try state.indices(of: target).map { state.members[$0].plan.name.description }
    }

    private func show(_ lines: [String], _ name: String, _ prefixed: Bool) {
        for line in lines { Terminal.say(prefixed ? "\(name) | \(line)" : line) }
    }
}

/// The end of a growing file, line by line.
struct LogTail {
    let name: String
    let path: String
    private var offset = 0
    private var partial: [UInt8] = []

    init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    /// The last lines of what is there now.
    mutating func last(_ count: Int) -> [String] {
        let bytes = Files.read(path) ?? []
        offset = bytes.count
        return LogTail.lastLines(count, of: bytes)
    }

    /// Whole lines that were added since.
    mutating func more() -> [String] {
        let bytes = Files.read(path, from: offset)
        offset += bytes.count
        partial += bytes
        guard let end = partial.lastIndex(of: 0x0a) else { return [] }
        let lines = partial[..<end].split(separator: 0x0a, omittingEmptySubsequences: false)
        partial = Array(partial[(end + 1)...])
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The last lines of a text.
    static func lastLines(_ count: Int, of bytes: [UInt8]) -> [String] {
        bytes.split(separator: 0x0a).suffix(count).map { String(decoding: $0, as: UTF8.self) }
    }
}
