/// Which part of a list is asked for: a span of creation times, and where the page before ended.
struct ListWindow: Sendable, Equatable {
    /// Where a page ends; the next one goes on behind it.
    struct Place: Sendable, Equatable {
        let created: Int64
        let number: Int64

        /// Before everything, as lists are newest first.
        static let top = Place(created: .max, number: .max)
    }

    /// Created then or later, in seconds since 1970.
    let from: Int64
    /// Created before then.
    let to: Int64
    /// The id that the page before ended with; nil for the first page.
    let startingAfter: String?
    let limit: Int

    /// Reads `created[gte]`, `created[lt]`, `starting_after` and `limit`.
    init(_ query: FormFields) throws(StripeError) {
        from = try Self.seconds(query, "created[gte]") ?? 0
        to = try Self.seconds(query, "created[lt]") ?? .max
        startingAfter = query["starting_after"]
        limit = try query.limit()
    }

    private static func seconds(
        _ query: FormFields,
        _ name: String
    ) throws(StripeError) -> Int64? {
        guard let text = query[name] else { return nil }
        guard let seconds = Int64(text), seconds >= 0 else {
            throw .invalid(
                "created",
                "Invalid integer: \(name).",
                code: "parameter_invalid_integer"
            )
        }
        return seconds
    }
}
