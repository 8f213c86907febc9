/// A field's value while it is put together, behind the fields before it.
public struct FieldValue: ~Copyable {
    private(set) var bytes: [UInt8]

    init(_ bytes: consuming [UInt8]) { self.bytes = bytes }

    /// Appends a text; controls in it become spaces when the field is complete.
    public mutating func append(_ text: String) { bytes.append(text: text) }

    /// Appends at most so many bytes where they will lie, such as the digits of an id.
    public mutating func append(
        addingCapacity count: Int,
        _ write: (inout OutputSpan<UInt8>) -> Void
    ) {
        bytes.append(addingCapacity: count, initializingWith: write)
    }

    /// Appends a number in decimal.
    public mutating func append(_ number: Int) {
        DecimalDigits(number).withSpan { digits in
            bytes.append(addingCapacity: digits.count) { $0.append(digits) }
        }
    }
}
