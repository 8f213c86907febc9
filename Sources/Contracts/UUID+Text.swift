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
        let (high, low) = words
        // Safe: 36 bytes are written and told, all of them ASCII.
        return unsafe String(unsafeUninitializedCapacity: 36) { text in
            var end = 0
            for place in 0..<32 {
                if place == 8 || place == 12 || place == 16 || place == 20 {
                    unsafe text[end] = UInt8(ascii: "-")
                    end += 1
                }
                let word = place < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (place & 15))) & 15
                unsafe text[end] =
                    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                end += 1
            }
            return end
        }
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
