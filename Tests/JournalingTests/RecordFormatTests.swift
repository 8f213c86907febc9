import Testing

@testable import Journaling

@Suite struct RecordFormatTests {
    private static let records = [
        Record(kind: .entry, number: 1, payload: Array("{\"id\":1}".utf8)),
        Record(kind: .entry, number: 258, payload: Array("ÿAJþ and ÿ".utf8)),
        Record(kind: .removal, number: 1, payload: []),
        Record(kind: .entry, number: .max, payload: Array(repeating: 0x61, count: 300)),
    ]

    private static let file = records.flatMap(RecordFormat.bytes)

    /// Where each record ends.
    private static let ends = records.reduce(into: [0]) { ends, record in
        ends.append(ends[ends.count - 1] + RecordFormat.headerSize + record.payload.count)
    }

    @Test func `what is written is read`() {
        let scan = RecordFormat.scan(Self.file)
        #expect(scan == .init(records: Self.records, damagedBytes: 0, end: Self.file.count))
        #expect(RecordFormat.scan([]) == .init())
    }

    @Test func `the checksum is the one everybody calls CRC-32`() {
        #expect(RecordFormat.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
    }

    @Test func `a file cut at any byte holds the records before the cut, whole`() {
        for length in 0...Self.file.count {
            let scan = RecordFormat.scan(Array(Self.file.prefix(length)))
            let whole = Self.ends.count { $0 <= length } - 1
            #expect(scan.records == Array(Self.records.prefix(whole)), "cut at \(length)")
            #expect(scan.end == Self.ends[whole])
            #expect(scan.damagedBytes == 0)
        }
    }

    @Test func `a flipped bit costs the record it is in, and no other`() {
        for bit in 0..<Self.file.count * 8 {
            var bytes = Self.file
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let hit = Self.ends.count { $0 <= bit / 8 } - 1
            var left = Self.records
            left.remove(at: hit)
            let scan = RecordFormat.scan(bytes)
            #expect(scan.records == left, "bit \(bit)")
            let lost = Self.ends[hit + 1] - Self.ends[hit]
            #expect(scan.damagedBytes + bytes.count - scan.end == lost, "bit \(bit)")
        }
    }

    @Test func `records behind any rubbish are found, and what looks like the start of one is not`()
    {
        var generator = Dice(state: 7)
        for _ in 0..<500 {
            let rubbish = (0..<Int.random(in: 1...64, using: &generator)).map { _ in
                [0xFF, 0x41, 0x4A, 0xFE, UInt8.random(in: 0...255, using: &generator)]
                    .randomElement(using: &generator) ?? 0
            }
            let bytes = rubbish + RecordFormat.bytes(Self.records[1]) + rubbish
            let scan = RecordFormat.scan(bytes)
            #expect(scan.records == [Self.records[1]])
            #expect(scan.damagedBytes == rubbish.count)
            #expect(scan.end == bytes.count - rubbish.count)
        }
    }

    @Test func `a length beyond the limit and a kind nobody knows are damage`() {
        let long = Record(
            kind: .entry,
            number: 1,
            payload: Array(repeating: 0x61, count: RecordFormat.maxPayload + 1)
        )
        #expect(RecordFormat.scan(RecordFormat.bytes(long)).records.isEmpty)
        let longest = Record(kind: .entry, number: 1, payload: Array(long.payload.dropLast()))
        #expect(RecordFormat.scan(RecordFormat.bytes(longest)).records == [longest])
    }

    @Test func `an entry counts until it is removed, in whatever order the two are read`() {
        #expect(Journal.entries(Self.records).map(\.number) == [258, .max])
        #expect(Journal.entries(Self.records.reversed()).map(\.number) == [.max, 258])
    }
}

/// A generator that gives the same numbers every time (SplitMix64).
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
