internal import HTTP

/// What must hold for any input whatever: nil when it does, else what is wrong.
///
/// The fuzzer and the regression tests ask the same questions.
public enum Invariants {
    /// Says what is wrong, or nil.
    public typealias Check = @Sendable ([UInt8]) -> String?

    /// The checks by the name of their folder of inputs.
    public static let all: [(name: String, check: Check)] = [
        ("request", request), ("response", response), ("chunks", chunks), ("url", url),
    ]
}

/// What a parser came to: equal for every split of the same input.
struct Outcome<Value: Equatable>: Equatable {
    var value: Value?
    var error: String?
}

/// Shows `parse` the input in growing prefixes, until it knows.
func outcome<Value: Equatable>(
    _ input: [UInt8],
    _ stops: some Sequence<Int>,
    _ parse: (Span<UInt8>) throws(ParseError) -> Value?
) -> Outcome<Value> {
    for stop in stops {
        do throws(ParseError) {
            if let value = try parse(input.span.extracting(0..<stop)) {
                return Outcome(value: value)
            }
        } catch {
            return Outcome(error: "\(error)")
        }
    }
    return Outcome()
}

/// Where to cut an input: chosen by the input itself, so that a finding can be played again.
func cuts(_ input: [UInt8]) -> [Int] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for byte in input.prefix(64) { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    var cuts: [Int] = []
    for _ in 0..<3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        cuts.append(Int(state >> 33) % (input.count + 1))
    }
    return cuts.sorted() + [input.count]
}
