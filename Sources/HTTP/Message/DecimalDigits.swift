/// The decimal digits of an integer, with its sign, without an allocation.
struct DecimalDigits {
    private var bytes: InlineArray<20, UInt8> = .init(repeating: 0x30)
    private var start = 20

    init(_ value: Int) {
        var rest = value.magnitude
        repeat {
            start -= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes[start] = 0x30 + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        } while rest > 0
        if value < 0 {
            start -= 1
            bytes[start] = 0x2D
        }
    }

    /// Lends the text.
    func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(start..<20))
    }
}
