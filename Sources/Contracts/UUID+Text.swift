public import FoundationEssentials

/// The canonical text of UUIDs (RFC 9562 section 4), written and read without a detour: ids are in every
/// path, message and log line.
extension UUID {
    /// The sixteen bytes as two numbers, the first one first.
    var words: (UInt64, UInt64) {
        let id = uuid
        func word(
            _ a: UInt8,
            _ b: UInt8,
            _ c: UInt8,
            _ d: UInt8,
            _ e: UInt8,
            _ f: UInt8,
            _ g: UInt8,
            _ h: UInt8
        ) -> UInt64 {
            let high = UInt64(a) << 24 | UInt64(b) << 16 | UInt64(c) << 8 | UInt64(d)
            let low = UInt64(e) << 24 | UInt64(f) << 16 | UInt64(g) << 8 | UInt64(h)
            return high << 32 | low
        }
        return (
            word(id.0, id.1, id.2, id.3, id.4, id.5, id.6, id.7),
            word(id.8, id.9, id.10, id.11, id.12, id.13, id.14, id.15)
        )
    }

    /// The UUID of two numbers.
    init(words: (UInt64, UInt64)) {
        func byte(_ word: UInt64, _ index: UInt64) -> UInt8 {
            UInt8(truncatingIfNeeded: word >> (56 - 8 * index))
        }
        let (high, low) = words
        self.init(
            uuid: (
                byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3),
                byte(high, 4), byte(high, 5), byte(high, 6), byte(high, 7),
                byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3),
                byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
            )
        )
    }

    /// The canonical lower-case text of 36 characters.
    public var canonical: String {
        // Safe: the 36 bytes that there is room for are written and told, all of them ASCII.
        unsafe String(unsafeUninitializedCapacity: 36) { text in
            unsafe writeCanonical(to: text)
            return 36
        }
    }

    /// Appends the canonical text to memory that has room for its 36 characters.
    public func appendCanonical(to text: inout OutputSpan<UInt8>) {
        precondition(text.freeCapacity >= 36, "an id has 36 characters")
        // Safe: there is room for the 36 bytes that are written and told.
        unsafe text.withUnsafeMutableBufferPointer { bytes, count in
            unsafe writeCanonical(to: UnsafeMutableBufferPointer(rebasing: bytes[count...]))
            count += 36
        }
    }

    /// Writes the 36 characters to the beginning of `text`.
    private func writeCanonical(to text: UnsafeMutableBufferPointer<UInt8>) {
        let (high, low) = words
        let digits = (
            Self.digits(high >> 32), Self.digits(high & 0xFFFF_FFFF),
            Self.digits(low >> 32), Self.digits(low & 0xFFFF_FFFF)
        )
        let bytes = UnsafeMutableRawBufferPointer(text)
        for dash in [8, 13, 18, 23] { unsafe text[dash] = UInt8(ascii: "-") }
        unsafe bytes.storeBytes(of: digits.0.bigEndian, toByteOffset: 0, as: UInt64.self)
        unsafe Self.store(digits.1 >> 32, at: 9, in: bytes)
        unsafe Self.store(digits.1, at: 14, in: bytes)
        unsafe Self.store(digits.2 >> 32, at: 19, in: bytes)
        unsafe Self.store(digits.2, at: 24, in: bytes)
        unsafe bytes.storeBytes(of: digits.3.bigEndian, toByteOffset: 28, as: UInt64.self)
    }

    /// Writes the lower four digits of a word.
    private static func store(
        _ digits: UInt64,
        at offset: Int,
        in bytes: UnsafeMutableRawBufferPointer
    ) {
        let four = UInt32(truncatingIfNeeded: digits).bigEndian
        unsafe bytes.storeBytes(of: four, toByteOffset: offset, as: UInt32.self)
    }

    /// The eight hexadecimal digits of 32 bits, the first one highest: all of them at once.
    private static func digits(_ bits: UInt64) -> UInt64 {
        var nibbles = (bits & 0xFFFF_0000) << 16 | bits & 0xFFFF
        nibbles = (nibbles & 0x0000_FF00_0000_FF00) << 8 | nibbles & 0x0000_00FF_0000_00FF
        nibbles = (nibbles & 0x00F0_00F0_00F0_00F0) << 4 | nibbles & 0x000F_000F_000F_000F
        // Those above nine carry into the next four bits when six is added.
        let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return nibbles + 0x3030_3030_3030_3030 + letters * 0x27
    }

    /// Reads the canonical lower-case text; nil for anything else, upper case included.
    public init?(canonical text: String) {
        var words: (UInt64, UInt64) = (0, 0)
        var place = 0
        var count = 0
        for byte in text.utf8 {
            count += 1
            guard count <= 36 else { return nil }
            if count == 9 || count == 14 || count == 19 || count == 24 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if place < 16 {
                words.0 = words.0 << 4 | UInt64(digit)
            } else {
                words.1 = words.1 << 4 | UInt64(digit)
            }
            place += 1
        }
        guard count == 36 else { return nil }
        self.init(words: words)
    }
}
