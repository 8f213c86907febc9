/// Header fields in order, kept as one block of bytes and offsets into it.
///
/// A parsed message's fields point into the bytes of its head, so a field costs no allocation until
/// it is read. Values that this type writes can never hold CR, LF, NUL or another control byte: those
/// become spaces, so no response can be split (RFC 9110 §5.5).
public struct Headers: Sendable, Sequence, ExpressibleByDictionaryLiteral {
    /// Where one field's name and value lie in the block.
    struct Field: Sendable {
        var nameStart: UInt32
        var nameCount: UInt32
        var valueStart: UInt32
        var valueCount: UInt32
    }

    /// The bytes that fields point into; names in it are lower-case.
    private(set) var block: [UInt8]
    private(set) var fields: [Field]
    /// Whether the block is what `serialise` writes: fields that were added here, line by line, and
    /// none that the writer of the message owns.
    private var isRendered: Bool

    /// No fields.
    public init() {
        block = []
        fields = []
        isRendered = true
    }

    /// The fields of a literal, in its order.
    public init(dictionaryLiteral elements: (HeaderName, String)...) {
        self.init()
        for (name, value) in elements { add(name, value) }
    }

    /// Fields that the parser found and checked in the head that begins `input`: a copy of it, with
    /// their names in lower case.
    init(copying input: Span<UInt8>, _ count: Int, fields: [Field]) {
        var block = input.copy(0..<count)
        Self.lowerNames(fields, in: &block)
        self.block = block
        self.fields = fields
        isRendered = false
    }

    private static func lowerNames(_ fields: [Field], in block: inout [UInt8]) {
        // A span, because an array asks before each change whether it must copy itself first.
        var bytes = block.mutableSpan
        for field in fields {
            let start = Int(field.nameStart)
            for index in start..<start + Int(field.nameCount) {
                let byte = bytes[index]
                if byte &- 0x41 < 26 { bytes[index] = byte | 0x20 }
            }
        }
    }

    /// How many fields there are; a name that occurs twice counts twice.
    public var count: Int { fields.count }

    /// Whether there is no field.
    public var isEmpty: Bool { fields.isEmpty }

    /// The first value with this name; assigning replaces every value, assigning nil removes them.
    public subscript(name: HeaderName) -> String? {
        get { fields.first { matches($0, name) }.map(value) }
        set {
            remove(name)
            if let newValue { add(name, newValue) }
        }
    }

    /// Every value with this name, in order.
    public func all(_ name: HeaderName) -> [String] {
        var values: [String] = []
        for field in fields where matches(field, name) { values.append(value(field)) }
        return values
    }

    /// How many fields have this name.
    public func count(of name: HeaderName) -> Int {
        var count = 0
        for field in fields where matches(field, name) { count += 1 }
        return count
    }

    /// Lends the bytes of the first value with this name, without a copy; nil when there is none.
    public func withValue<Result>(
        of name: HeaderName,
        _ body: (Span<UInt8>) -> Result
    ) -> Result? {
        for field in fields where matches(field, name) {
            return body(block.span.extracting(bytes(field)))
        }
        return nil
    }

    /// Whether a field has this name.
    public func contains(_ name: HeaderName) -> Bool {
        for field in fields where matches(field, name) { return true }
        return false
    }

    /// Whether a comma-separated list in any field of this name holds `token`, in any case.
    public func lists(_ token: String, in name: HeaderName) -> Bool {
        fields.contains { field in
            guard matches(field, name) else { return false }
            return ByteClass.members(of: block, bytes(field)).contains {
                ByteClass.equals(block, $0, token)
            }
        }
    }

    /// Adds a field behind the others.
    public mutating func add(_ name: HeaderName, _ value: String) {
        let nameStart = block.count
        let (nameBytes, bytes) = (name.text.utf8Span.span, value.utf8Span.span)
        let valueStart = nameStart + nameBytes.count + 2
        block.append(addingCapacity: nameBytes.count + bytes.count + 4) { span in
            span.append(nameBytes)
            span.append(0x3A)
            span.append(0x20)
            span.append(bytes)
            span.append(0x0D)
            span.append(0x0A)
        }
        finish(nameStart, nameBytes.count, valueStart, bytes.count)
    }

    /// Records a line that lies at the end of the block.
    @inline(__always)
    private mutating func finish(
        _ nameStart: Int,
        _ nameCount: Int,
        _ valueStart: Int,
        _ valueCount: Int
    ) {
        let end = valueStart + valueCount
        if ByteClass.endOfFieldValue(block.span, valueStart..<end) < end {
            Self.blankControls(valueStart..<end, in: &block)
        }
        let field = Field(
            nameStart: UInt32(nameStart),
            nameCount: UInt32(nameCount),
            valueStart: UInt32(valueStart),
            valueCount: UInt32(valueCount)
        )
        fields.append(field)
        if isFraming(field, keepLength: false) { isRendered = false }
    }

    /// Adds a field behind the others whose value is put together where it will lie.
    public mutating func add(_ name: HeaderName, _ value: (inout FieldValue) -> Void) {
        let nameStart = block.count
        // Taken out and put back: whatever it appends to shares it with nobody.
        var line = FieldValue(block)
        block = []
        line.append(name.text)
        line.append(": ")
        let valueStart = line.bytes.count
        value(&line)
        let valueCount = line.bytes.count - valueStart
        line.append("\r\n")
        block = line.bytes
        finish(nameStart, name.count, valueStart, valueCount)
    }

    private static func blankControls(_ range: Range<Int>, in block: inout [UInt8]) {
        var bytes = block.mutableSpan
        for index in range where !ByteClass.isFieldValue(bytes[index]) { bytes[index] = 0x20 }
    }

    /// Makes room for fields that will be added.
    public mutating func reserve(fields count: Int, bytes: Int) {
        fields.reserveCapacity(fields.count + count)
        block.reserveCapacity(block.count + bytes)
    }

    /// Replaces every field of this name by one.
    public mutating func set(_ name: HeaderName, _ value: String) {
        self[name] = value
    }

    /// Removes every field of this name.
    public mutating func remove(_ name: HeaderName) {
        guard contains(name) else { return }
        keep(fields.filter { !matches($0, name) })
    }

    /// Keeps the fields whose name `keep` accepts; values stay byte for byte what they were.
    public mutating func filter(_ keep: (HeaderName) -> Bool) {
        self.keep(fields.filter { keep(name($0)) })
    }

    private mutating func keep(_ kept: [Field]) {
        guard kept.count < fields.count else { return }
        fields = kept
        isRendered = false
    }

    /// The fields that may cross a proxy: without those of `names`, `Connection`, what it lists, and the
    /// other hop-by-hop fields (RFC 9110 §7.6.1).
    ///
    /// A copy of no more than these, with room for others behind them.
    ///
    /// - Parameters:
    ///   - count: how many fields will be added.
    ///   - bytes: how long those are together.
    public func crossing(
        without names: HeaderNames,
        reserving count: Int,
        bytes: Int
    ) -> Headers {
        let listed = listedInConnection()
        var result = Headers()
        let block = block.span
        // Mostly what stays is the most of it: a token.
        result.reserve(fields: fields.count + count, bytes: Swift.min(block.count, 512) + bytes)
        for field in fields where !Self.stays(block, field, names, listed) {
            let (nameCount, valueCount) = (Int(field.nameCount), Int(field.valueCount))
            let nameStart = result.block.count
            result.block.append(addingCapacity: nameCount + valueCount + 4) { span in
                append(field, of: block, to: &span)
            }
            let valueStart = nameStart + nameCount + 2
            result.fields.append(
                Field(
                    nameStart: UInt32(nameStart),
                    nameCount: field.nameCount,
                    valueStart: UInt32(valueStart),
                    valueCount: field.valueCount
                )
            )
            if isFraming(field, keepLength: false) { result.isRendered = false }
        }
        return result
    }

    private func append(_ field: Field, of block: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        let start = Int(field.nameStart)
        output.append(block.extracting(start..<start + Int(field.nameCount)))
        output.append(0x3A)
        output.append(0x20)
        output.append(block.extracting(bytes(field)))
        output.append(0x0D)
        output.append(0x0A)
    }

    /// Adds the fields of `other` behind these, byte for byte.
    public mutating func append(_ other: Headers) {
        let shift = UInt32(block.count)
        block.append(contentsOf: other.block)
        isRendered = isRendered && other.isRendered
        for var field in other.fields {
            field.nameStart += shift
            field.valueStart += shift
            fields.append(field)
        }
    }

    /// Removes the fields of which `isUnwanted` says so; it gets the block that they point into.
    mutating func removeFields(_ isUnwanted: (Span<UInt8>, Field) -> Bool) {
        guard let kept = fieldsWithout(isUnwanted) else { return }
        fields = kept
        isRendered = false
    }

    /// The other fields; nil when those are all.
    private func fieldsWithout(_ isUnwanted: (Span<UInt8>, Field) -> Bool) -> [Field]? {
        let block = block.span
        guard let first = fields.firstIndex(where: { isUnwanted(block, $0) }) else { return nil }
        var kept: [Field] = []
        // With room for those that a proxy adds.
        kept.reserveCapacity(fields.count + 8)
        kept.append(contentsOf: fields[..<first])
        for index in first + 1..<fields.count where !isUnwanted(block, fields[index]) {
            kept.append(fields[index])
        }
        return kept
    }

    /// The names that `Connection` lists, in lower case.
    func listedInConnection() -> [[UInt8]] {
        guard contains(.connection) else { return [] }
        var listed: [[UInt8]] = []
        for field in fields where matches(field, .connection) {
            // It names what does not cross anyhow.
            if ByteClass.equals(block, bytes(field), "keep-alive") { continue }
            for range in ByteClass.members(of: block, bytes(field)) {
                listed.append(block[range].map(ByteClass.lowered))
            }
        }
        return listed
    }

    /// Walks over the fields in order as names and values.
    public func makeIterator() -> AnyIterator<(name: HeaderName, value: String)> {
        var index = 0
        return AnyIterator { [self] in
            guard index < fields.count else { return nil }
            defer { index += 1 }
            return (name(fields[index]), value(fields[index]))
        }
    }

    /// The most bytes that `serialise` writes.
    var serialisedLimit: Int { block.count + 4 * fields.count }

    /// Writes `name: value CRLF` for each field except those that the writer of the message owns.
    func serialise(into output: inout [UInt8], keepLength: Bool) {
        output.append(addingCapacity: serialisedLimit) { span in
            serialise(into: &span, keepLength: keepLength)
        }
    }

    /// The same into memory that has room for `serialisedLimit` bytes.
    func serialise(into output: inout OutputSpan<UInt8>, keepLength: Bool) {
        if isRendered { return output.append(block.span) }
        let block = block.span
        for field in fields where !isFraming(field, keepLength: keepLength) {
            append(field, of: block, to: &output)
        }
    }

    private func isFraming(_ field: Field, keepLength: Bool) -> Bool {
        switch field.nameCount {
        case 4: matches(field, .date)
        case 10: matches(field, .connection)
        case 14: !keepLength && matches(field, .contentLength)
        case 17: matches(field, .transferEncoding)
        default: false
        }
    }

    func matches(_ field: Field, _ name: borrowing HeaderName) -> Bool {
        guard Int(field.nameCount) == name.count else { return false }
        let start = Int(field.nameStart)
        // Behind every name there is a colon and more, but the last field may be short.
        guard start + 8 <= block.count else { return equals(start, name.text) }
        let word = block.span.word(at: start)
        let mask = name.count >= 8 ? UInt64.max : (1 << UInt64(8 * name.count)) - 1
        guard word & mask == name.word else { return false }
        if name.count <= 8 { return true }
        guard block.span.word(at: start + name.count - 8) == name.tail else { return false }
        return name.count <= 16 || equals(start, name.text)
    }

    private func equals(_ start: Int, _ text: String) -> Bool {
        var index = start
        for byte in text.utf8 {
            guard block[index] == byte else { return false }
            index += 1
        }
        return true
    }

    /// Where the field's value lies in the block.
    func bytes(_ field: Field) -> Range<Int> {
        Int(field.valueStart)..<Int(field.valueStart) + Int(field.valueCount)
    }

    private func name(_ field: Field) -> HeaderName {
        let start = Int(field.nameStart)
        return HeaderName(
            checked: String(decoding: block[start..<start + Int(field.nameCount)], as: UTF8.self)
        )
    }

    private func value(_ field: Field) -> String {
        String(decoding: block[bytes(field)], as: UTF8.self)
    }
}
