extension Bool: PostgresValue {
    /// `boolean`.
    public static var postgresType: PostgresType { .bool }
    /// One byte, 0 or 1.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(self ? 1 : 0)
        return true
    }
    /// Reads a `boolean`.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Bool {
        guard cell.type == .bool else { throw cell.mismatch("boolean") }
        return try cell.integer(as: UInt8.self) != 0
    }
}

extension Int64: PostgresValue {
    /// `bigint`.
    public static var postgresType: PostgresType { .int8 }
    /// Eight bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(bigEndian: self)
        return true
    }
    /// Reads any integer type, and a whole `numeric` such as `sum` of a `bigint` column returns.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Int64 {
        switch cell.type {
        case .int8, .xid8: try cell.integer(as: Int64.self)
        case .int4: Int64(try cell.integer(as: Int32.self))
        case .int2: Int64(try cell.integer(as: Int16.self))
        case .numeric: try cell.wholeNumeric()
        default: throw cell.mismatch("an integer")
        }
    }
}

extension Int: PostgresValue {
    /// `bigint`.
    public static var postgresType: PostgresType { .int8 }
    /// Eight bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        Int64(self).encode(into: &bytes)
    }
    /// Reads any integer type, as `Int64` does.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Int {
        Int(try Int64.decode(cell))
    }
}

extension Int32: PostgresValue {
    /// `integer`.
    public static var postgresType: PostgresType { .int4 }
    /// Four bytes, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(bigEndian: self)
        return true
    }
    /// Reads any integer type whose value fits.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Int32 {
        guard let value = Int32(exactly: try Int64.decode(cell)) else {
            throw cell.mismatch("a 32-bit integer")
        }
        return value
    }
}

extension Double: PostgresValue {
    /// `double precision`.
    public static var postgresType: PostgresType { .float8 }
    /// The bit pattern, big-endian.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(bigEndian: bitPattern)
        return true
    }
    /// Reads `double precision` or `real`.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Double {
        switch cell.type {
        case .float8: Double(bitPattern: try cell.integer(as: UInt64.self))
        case .float4: Double(Float(bitPattern: try cell.integer(as: UInt32.self)))
        default: throw cell.mismatch("a floating-point number")
        }
    }
}

extension String: PostgresValue {
    /// `text`; a statement casts where it needs another type: `$1::order_state`.
    public static var postgresType: PostgresType { .text }
    /// UTF-8.
    ///
    /// PostgreSQL text cannot hold U+0000: the server refuses it with 22021.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: utf8)
        return true
    }
    /// Reads `text`, `varchar`, an enum or `json`, but no type whose binary form is not text.
    public static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> String {
        guard !PostgresType.notText.contains(cell.type) else { throw cell.mismatch("text") }
        return try cell.text()
    }
}

extension Array where Element == UInt8 {
    /// Appends an integer in network byte order.
    mutating func append(bigEndian value: some FixedWidthInteger) {
        let big = value.bigEndian
        unsafe Swift.withUnsafeBytes(of: big) { unsafe append(contentsOf: $0) }
    }

    /// Overwrites four bytes, at an offset within bounds, in network byte order.
    mutating func overwrite(at offset: Int, bigEndian value: Int32) {
        let bits = UInt32(bitPattern: value)
        for index in 0..<4 {
            self[offset + index] = UInt8(truncatingIfNeeded: bits >> UInt32(24 - 8 * index))
        }
    }
}

extension Cell {
    /// Reads a `numeric` without a fraction: base-10000 digits, most significant first.
    fileprivate func wholeNumeric() throws(DatabaseError) -> Int64 {
        try withSpan { (span) throws(DatabaseError) in
            let words = span.count / 2
            guard words >= 4, span.count.isMultiple(of: 2) else { throw mismatch("numeric") }
            func word(_ index: Int) -> Int {
                Int(span[2 * index]) << 8 | Int(span[2 * index + 1])
            }
            let digits = word(0)
            let weight = Int(Int16(truncatingIfNeeded: word(1)))
            let sign = word(2)
            guard words == digits + 4, sign == 0 || sign == 0x4000 else {
                throw mismatch("a finite numeric")
            }
            guard digits > 0 else { return 0 }
            guard weight < 5, weight >= digits - 1 else { throw mismatch("a whole 64-bit number") }
            var value: Int64 = 0
            for index in 0...weight {
                let digit = index < digits ? Int64(word(4 + index)) : 0
                let (scaled, overflow) = value.multipliedReportingOverflow(by: 10_000)
                // Summed below zero, where Int64 has one value more.
                let (next, carry) = scaled.subtractingReportingOverflow(digit)
                guard !overflow, !carry else { throw mismatch("a whole 64-bit number") }
                value = next
            }
            guard sign == 0 else { return value }
            guard value > .min else { throw mismatch("a whole 64-bit number") }
            return -value
        }
    }
}
