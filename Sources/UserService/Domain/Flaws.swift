/// What is wrong with a request, field by field, so that a client can mend everything at once.
struct Flaws: Error, Equatable {
    /// One field and what would be accepted.
    struct Flaw: Equatable {
        /// A JSON pointer (RFC 6901).
        let pointer: String
        let detail: String
    }

    private(set) var list: [Flaw] = []

    /// Notes a flaw at `pointer` unless `condition` holds.
    mutating func require(_ condition: Bool, _ pointer: String, _ detail: String) {
        if !condition { list.append(Flaw(pointer: pointer, detail: detail)) }
    }

    /// Throws if anything was found wrong.
    func finish() throws(Flaws) {
        guard list.isEmpty else { throw self }
    }
}
