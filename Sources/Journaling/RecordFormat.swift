internal import CZlib

/// One record of a journal's file.
struct Record: Hashable, Sendable {
    /// What a record says.
    enum Kind: UInt8, Sendable {
        /// The payload is an entry.
        case entry = 1
        /// The entry of this number is settled and need not be kept; the payload is empty.
        case removal = 2
    }

    let kind: Kind
    let number: UInt64
    let payload: [UInt8]
}

/// How records lie in a file, and how they are found again whatever happened to it.
///
///     FF 41 4A FE   length   crc32   kind   number   payload
///     4 bytes       4        4       1      8        length bytes, UTF-8
///
/// Numbers are little endian. The checksum covers length, kind, number and payload. A payload is UTF-8,
/// which never holds the byte FF: so nothing that a customer writes can look like the start of a
/// record, and after a damaged record the next one is found by its mark.
enum RecordFormat {
    static let mark: [UInt8] = [0xFF, 0x41, 0x4A, 0xFE]
    static let headerSize = 21
    /// The longest payload; a length beyond it is damage.
    static let maxPayload = 1 << 20

    /// The record as bytes.
    static func bytes(_ record: Record) -> [UInt8] {
        var bytes = mark
        bytes.reserveCapacity(headerSize + record.payload.count)
        let length = littleEndian(UInt64(record.payload.count), 4)
        let rest = [record.kind.rawValue] + littleEndian(record.number, 8) + record.payload
        bytes += length
        bytes += littleEndian(UInt64(checksum(length + rest)), 4)
        bytes += rest
        return bytes
    }

    /// What a file holds.
    struct Scan: Equatable {
        var records: [Record] = []
        /// How many bytes before the last record belong to none: something was damaged.
        var damagedBytes = 0
        /// Where the last whole record ends; what follows was never finished, or was damaged.
        var end = 0
    }

    /// Finds every whole record.
    static func scan(_ bytes: [UInt8]) -> Scan {
        var scan = Scan()
        var position = 0
        while position + headerSize <= bytes.count {
            if let record = record(in: bytes, at: position) {
                scan.records.append(record)
                scan.damagedBytes += position - scan.end
                position += headerSize + record.payload.count
                scan.end = position
            } else {
                position = nextMark(in: bytes, after: position)
            }
        }
        return scan
    }

    /// The record that begins here, if it is whole.
    private static func record(in bytes: [UInt8], at start: Int) -> Record? {
        guard bytes[start..<start + 4].elementsEqual(mark) else { return nil }
        let length = Int(number(bytes[start + 4..<start + 8]))
        let end = start + headerSize + length
        guard length <= maxPayload, end <= bytes.count,
            let kind = Record.Kind(rawValue: bytes[start + 12])
        else { return nil }
        let expected = UInt32(truncatingIfNeeded: number(bytes[start + 8..<start + 12]))
        let covered = bytes[start + 4..<start + 8] + bytes[start + 12..<end]
        guard checksum(Array(covered)) == expected else { return nil }
        return Record(
            kind: kind,
            number: number(bytes[start + 13..<start + 21]),
            payload: Array(bytes[start + headerSize..<end])
        )
    }

    private static func nextMark(in bytes: [UInt8], after position: Int) -> Int {
        bytes[(position + 1)...].firstIndex(of: mark[0]) ?? bytes.count
    }

    /// The CRC-32 of zlib (ITU-T V.42).
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        // Safe: the array is lent for the call; a record is far below the 4 GiB that zlib takes.
        unsafe bytes.withUnsafeBufferPointer { buffer in
            UInt32(truncatingIfNeeded: unsafe crc32(0, buffer.baseAddress, UInt32(buffer.count)))
        }
    }

    private static func littleEndian(_ number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
