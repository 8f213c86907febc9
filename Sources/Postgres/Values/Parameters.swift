/// The values of a statement, encoded in the order of its numbered places.
public struct Parameters: Sendable {
    /// Where each value lies in `bytes`; nil for NULL.
    private(set) var ranges: [Range<Int>?] = []
    private(set) var types: [UInt32] = []
    private(set) var bytes: [UInt8] = []

    /// No values yet.
    public init() {}

    /// How many values there are.
    public var count: Int { types.count }

    /// Appends values in order.
    public mutating func append<each Value: PostgresEncodable>(_ value: repeat each Value) {
        repeat append(one: each value)
    }

    private mutating func append<Value: PostgresEncodable>(one value: Value) {
        // Never empty, so that an empty value has an address: libpq reads a null one as NULL.
        if types.isEmpty { bytes.append(0) }
        let start = bytes.count
        let isThere = value.encode(into: &bytes)
        types.append(Value.postgresType.id)
        ranges.append(isThere ? start..<bytes.count : nil)
    }
}
