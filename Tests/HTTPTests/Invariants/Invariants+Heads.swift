@testable import HTTP

/// A head as values that can be compared and written again.
private struct Facts: Equatable {
    var line: String
    var names: [[UInt8]]
    var values: [[UInt8]]
    var framing: BodyFraming
    var keepsAlive: Bool
    var more: String
    var length: Int

    init(
        _ headers: Headers,
        _ line: String,
        _ framing: BodyFraming,
        _ keepsAlive: Bool,
        _ length: Int,
        _ more: String
    ) {
        self.line = line
        names = headers.fields.map { field in
            Array(headers.block[Int(field.nameStart)..<Int(field.nameStart + field.nameCount)])
        }
        values = headers.fields.map { Array(headers.block[headers.bytes($0)]) }
        self.framing = framing
        self.keepsAlive = keepsAlive
        self.length = length
        self.more = more
    }

    init(_ head: RequestHead) {
        let version = head.version == .http10 ? "HTTP/1.0" : "HTTP/1.1"
        self.init(
            head.headers,
            "\(head.method) \(head.target) \(version)",
            head.framing,
            head.keepsAlive,
            head.length,
            "\(head.path) \(head.query.text) \(head.host ?? "-") \(head.expectsContinue) \(head.expectsUnknown)"
        )
    }

    init(_ head: ResponseHead, _ version: Version) {
        let version = version == .http10 ? "HTTP/1.0" : "HTTP/1.1"
        self.init(
            head.headers,
            "\(version) \(head.status.code) x",
            head.framing,
            head.keepsAlive,
            head.length,
            ""
        )
    }

    /// The head written afresh.
    var bytes: [UInt8] {
        var bytes = [UInt8](line.utf8) + [0x0D, 0x0A]
        for (name, value) in zip(names, values) {
            bytes += name + [0x3A, 0x20] + value + [0x0D, 0x0A]
        }
        return bytes + [0x0D, 0x0A]
    }

    /// What must be wrong with the head if it is accepted like this.
    var flaw: String? {
        for name in names where name.isEmpty || !name.allSatisfy(ByteClass.isToken) {
            return "a bad name"
        }
        for value in values where !value.allSatisfy(ByteClass.isFieldValue) { return "a bad value" }
        let lengths = names.count { $0 == Array("content-length".utf8) }
        let codings = names.count { $0 == Array("transfer-encoding".utf8) }
        if lengths + codings > 1 { return "ambiguous framing" }
        return nil
    }
}

extension Invariants {
    /// A request head: the same for any split, unambiguous, and itself again when written afresh.
    @Sendable public static func request(_ input: [UInt8]) -> String? {
        func parse(_ stops: some Sequence<Int>, _ input: [UInt8]) -> Outcome<Facts> {
            var parser = RequestParser()
            return outcome(input, stops) { span throws(ParseError) in
                try parser.parse(span).map(Facts.init)
            }
        }
        let limits = HTTPLimits()
        return heads(
            input,
            parse,
            most: limits.targetBytes + limits.headerBytes + 80,
            fields: limits.headerCount
        )
    }

    /// A response head, likewise; a first byte of space makes it the answer to HEAD.
    @Sendable public static func response(_ input: [UInt8]) -> String? {
        let method: Method = input.first == 0x20 ? .head : .get
        let input = input.first == 0x20 ? Array(input.dropFirst()) : input
        func parse(_ stops: some Sequence<Int>, _ input: [UInt8]) -> Outcome<Facts> {
            var parser = ResponseParser(to: method)
            return outcome(input, stops) { span throws(ParseError) in
                // The version is not told, and only a head that is complete has one.
                let version: Version = span.count > 7 && span[7] == 0x30 ? .http10 : .http11
                return try parser.parse(span).map { Facts($0, version) }
            }
        }
        return heads(input, parse, most: 1024 + 32_768 + 4, fields: 200)
    }

    private static func heads(
        _ input: [UInt8],
        _ parse: ([Int], [UInt8]) -> Outcome<Facts>,
        most: Int,
        fields: Int
    ) -> String? {
        let whole = parse([input.count], input)
        let split = parse(cuts(input), input)
        if split != whole { return "split: \(split), whole: \(whole)" }
        if input.count <= 2048 {
            let slow = parse(Array(0...input.count), input)
            if slow != whole { return "byte by byte: \(slow), whole: \(whole)" }
        }
        if whole.value == nil, whole.error == nil, input.count > most { return "no end in sight" }
        guard let facts = whole.value else { return nil }
        if let flaw = facts.flaw { return flaw }
        if facts.length > most || facts.names.count > fields { return "beyond the limits" }
        let written = facts.bytes
        // Written afresh a head may be longer: a space behind every colon.
        guard written.count <= 32_000 else { return nil }
        var again = parse([written.count], written)
        again.value?.length = facts.length
        return again.value == facts ? nil : "written afresh: \(again), at first: \(facts)"
    }
}
