internal import FoundationEssentials
internal import Witness

extension HistoryLine {
    /// Who asked for what: at most one order.
    var ask: Ask { Ask(customer: customer, key: key) }

    /// Whether the answer is the last one there is to this checkout.
    var isFinal: Bool {
        kind == .checkout && (outcome == .fail && order != nil || status == 201)
    }
}

/// A customer and an idempotency key.
struct Ask: Hashable {
    var customer: String
    var key: String
}

/// Everything that clients saw.
struct History: Equatable {
    var lines: [HistoryLine]

    /// Reads a file.
    ///
    /// - Throws: when it cannot be read, or a line of it is no line of a history.
    init(file: String) throws(StackError) {
        guard let bytes = Files.read(file, limit: 4 << 30) else {
            throw .usage("the history \(file) cannot be read")
        }
        try self.init(bytes, named: file)
    }

    init(_ bytes: [UInt8], named name: String) throws(StackError) {
        let decoder = JSONDecoder()
        lines = []
        let texts = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, text) in texts.enumerated() where !text.isEmpty {
            guard let line = try? decoder.decode(HistoryLine.self, from: Data(text)),
                line.start <= line.end, UUID(uuidString: line.customer) != nil
            else { throw .usage("line \(index + 1) of \(name) is no line of a history") }
            lines.append(line)
        }
    }

    /// Those who asked for something.
    var customers: Set<String> { Set(lines.map(\.customer)) }
}
