internal import FoundationEssentials

/// Where a page of search results ended, so that the next one can begin behind it however many
/// products come and go meanwhile (keyset paging).
struct PageCursor: Sendable, Equatable {
    /// The order the pages are in.
    let order: SearchOrder
    /// The fingerprint of the search they belong to.
    let search: UInt64
    /// The last product's value in that order: its price or its rank; 0 for newest.
    let key: Int64
    /// The last product, which breaks ties.
    let id: UUID

    private static let format: UInt8 = 1
    private static let length = 34

    init(order: SearchOrder, search: UInt64, key: Int64, id: UUID) {
        self.order = order
        self.search = search
        self.key = key
        self.id = id
    }

    /// Reads the text form; nil for anything that this type did not write.
    init?(_ text: String) {
        guard text.utf8.count == Self.length * 4 / 3 + 1, let bytes = Self.decode(text) else {
            return nil
        }
        guard bytes.count == Self.length, bytes[0] == Self.format,
            let order = SearchOrder(rawValue: bytes[1])
        else { return nil }
        self.order = order
        search = Self.number(bytes[2..<10])
        key = Int64(bitPattern: Self.number(bytes[10..<18]))
        let b = bytes[18..<34]
        id = UUID(
            uuid: (
                b[18], b[19], b[20], b[21], b[22], b[23], b[24], b[25],
                b[26], b[27], b[28], b[29], b[30], b[31], b[32], b[33]
            )
        )
        // One spelling only: base64's unused last bits must be what we would have written.
        guard self.text == text else { return nil }
    }

    /// The opaque form for clients: base64url without padding.
    var text: String {
        var bytes = [Self.format, order.rawValue]
        bytes += Self.bytes(search) + Self.bytes(UInt64(bitPattern: key))
        let u = id.uuid
        bytes += [
            u.0, u.1, u.2, u.3, u.4, u.5, u.6, u.7, u.8, u.9, u.10, u.11, u.12, u.13, u.14, u.15,
        ]
        let standard = Data(bytes).base64EncodedString().utf8.filter { $0 != 0x3D }
        return String(
            decoding: standard.map { byte in
                switch byte {
                case 0x2B: 0x2D
                case 0x2F: 0x5F
                default: byte
                }
            },
            as: UTF8.self
        )
    }

    private static func decode(_ text: String) -> [UInt8]? {
        let standard = text.utf8.map { byte -> UInt8 in
            switch byte {
            case 0x2D: 0x2B
            case 0x5F: 0x2F
            // What only the standard alphabet has is no part of ours.
            case 0x2B, 0x2F: 0
            default: byte
            }
        }
        let padding = [UInt8](repeating: 0x3D, count: (4 - standard.count % 4) % 4)
        return Data(base64Encoded: Data(standard + padding)).map(Array.init)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }
}
