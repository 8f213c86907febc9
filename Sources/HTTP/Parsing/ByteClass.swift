/// Which bytes may stand where: the character classes of RFC 9110 §5.6 and RFC 3986 as bit sets, so
/// that a test is a shift and no table is read.
enum ByteClass {
    /// RFC 9110 §5.6.2: `tchar`.
    static func isToken(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// RFC 3986 §3.2.2: `unreserved / sub-delims`, what a registered name consists of.
    static func isRegisteredName(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x2BFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// What may stand in a path that needs no decoding and no second look: visible characters but for
    /// `#`, `%`, `?` and the backslash.
    static func isPlainPath(_ byte: UInt8) -> Bool {
        contains(byte, low: 0x7FFF_FFD6_0000_0000, high: 0x7FFF_FFFF_EFFF_FFFF)
    }

    /// What may stand in a query that needs no decoding: visible characters but for `#` and `%`.
    static func isPlainQuery(_ byte: UInt8) -> Bool {
        contains(byte, low: 0xFFFF_FFD6_0000_0000, high: 0x7FFF_FFFF_FFFF_FFFF)
    }

    /// RFC 9110 §5.5: visible characters, space, tab, and 0x80-0xFF which are opaque.
    static func isFieldValue(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == 0x09
    }

    /// The first byte in `range` that may not stand in a field value; the range's end if all may.
    ///
    /// Eight bytes at a time: subtracting the lowest visible byte borrows in the bytes below it, and
    /// in none before them, so the lowest bit that is set tells the first of them.
    static func endOfFieldValue(_ input: Span<UInt8>, _ range: Range<Int>) -> Int {
        var index = range.lowerBound
        while index + 8 <= range.upperBound {
            let word = input.word(at: index)
            let control = (word &- 0x2020_2020_2020_2020) & ~word
            let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let found =
                (control | (delete &- 0x0101_0101_0101_0101) & ~delete) & 0x8080_8080_8080_8080
            if found == 0 {
                index += 8
                continue
            }
            index += found.trailingZeroBitCount / 8
            guard input[index] == 0x09 else { return index }
            index += 1
        }
        while index < range.upperBound, isFieldValue(input[index]) { index += 1 }
        return index
    }

    /// The first byte in `range` that may not stand in a token; the range's end if all may.
    static func endOfToken(_ input: Span<UInt8>, _ range: Range<Int>) -> Int {
        var index = range.lowerBound
        while index < range.upperBound, isToken(input[index]) { index += 1 }
        return index
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    static func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// The value of a hexadecimal digit, or nil.
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }

    /// Where the members of a comma-separated list lie, without the white space around them; empty
    /// members are left out (RFC 9110 §5.6.1).
    static func members(of bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var members: [Range<Int>] = []
        var start = range.lowerBound
        for index in range.lowerBound...range.upperBound
        where index == range.upperBound || bytes[index] == 0x2C {
            var lower = start
            var upper = index
            while lower < upper, isBlank(bytes[lower]) { lower += 1 }
            while lower < upper, isBlank(bytes[upper - 1]) { upper -= 1 }
            if lower < upper { members.append(lower..<upper) }
            start = index + 1
        }
        return members
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Whether the bytes spell `lowerCase` in any case.
    static func equals(_ bytes: [UInt8], _ range: Range<Int>, _ lowerCase: String) -> Bool {
        guard range.count == lowerCase.utf8.count else { return false }
        var index = range.lowerBound
        for byte in lowerCase.utf8 {
            guard lowered(bytes[index]) == byte else { return false }
            index += 1
        }
        return true
    }

    private static func contains(_ byte: UInt8, low: UInt64, high: UInt64) -> Bool {
        guard byte < 0x80 else { return false }
        return (byte < 0x40 ? low : high) &>> UInt64(byte & 0x3F) & 1 == 1
    }
}

extension Span<UInt8> {
    /// Eight bytes, the first one lowest.
    func word(at index: Int) -> UInt64 {
        precondition(index >= 0 && index + 8 <= count, "a word beyond the bytes")
        // Safe: the eight bytes are inside, and every pattern of bits is a number.
        return UInt64(
            littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
        )
    }

    /// A copy of some of the bytes.
    func copy(_ range: Range<Int>) -> [UInt8] {
        // The pointer is read inside the closure only, and `extracting` has checked the range.
        unsafe extracting(range).withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }

    /// Some of the bytes as text; what is no UTF-8 is replaced.
    func text(_ range: Range<Int>) -> String {
        String(decoding: copy(range), as: UTF8.self)
    }
}

extension [UInt8] {
    /// Appends a text's bytes, in one piece.
    mutating func append(text: String) {
        let bytes = text.utf8Span.span
        append(addingCapacity: bytes.count) { $0.append(bytes) }
    }
}

extension OutputSpan<UInt8> {
    /// Appends some bytes; more than there is room for is a bug.
    mutating func append(_ bytes: Span<UInt8>) {
        precondition(bytes.count <= freeCapacity, "appended beyond the capacity")
        // Safe: both pointers are used inside the closures only, there is room, and what is told to
        // be initialised has just been.
        unsafe withUnsafeMutableBufferPointer { target, count in
            unsafe bytes.withUnsafeBufferPointer { source in
                guard let from = source.baseAddress, let base = target.baseAddress else { return }
                unsafe base.advanced(by: count).update(from: from, count: source.count)
                count += source.count
            }
        }
    }
}
