/// What is wrong with a request, place by place, so that a client can fix everything at once.
struct InvalidInput: Error, Equatable {
    /// One thing that is wrong.
    struct Flaw: Equatable {
        /// A query parameter's name, or a JSON pointer into the body (RFC 6901).
        let place: String
        /// What would be accepted, in a sentence fragment.
        let detail: String
    }

    let flaws: [Flaw]

    init(_ flaws: [Flaw]) { self.flaws = flaws }

    init(_ place: String, _ detail: String) {
        flaws = [Flaw(place: place, detail: detail)]
    }
}

/// Collects flaws while a value is read, and throws them together at the end.
struct Inspection {
    private(set) var flaws: [InvalidInput.Flaw] = []

    /// Notes a flaw at `place` unless `condition` holds.
    mutating func require(_ condition: Bool, _ place: String, _ detail: String) {
        guard !condition else { return }
        flaws.append(InvalidInput.Flaw(place: place, detail: detail))
    }

    /// Requires a text of so many characters without control characters, which no column and no
    /// page could hold faithfully.
    mutating func require(
        text: String,
        _ place: String,
        length: ClosedRange<Int>,
        lines: Bool = false
    ) {
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && scalar.value != 0x7F || lines && scalar == "\n"
        }
        require(isPlain, place, "must not contain control characters")
        // The columns count code points, so this does too.
        let count = text.unicodeScalars.count
        let isBlank = length.lowerBound > 0 && text.allSatisfy(\.isWhitespace)
        require(
            length.contains(count) && !isBlank,
            place,
            "must have \(length.lowerBound) to \(length.upperBound) characters"
        )
    }

    /// Throws if anything was found wrong.
    func finish() throws(InvalidInput) {
        guard flaws.isEmpty else { throw InvalidInput(flaws) }
    }
}
