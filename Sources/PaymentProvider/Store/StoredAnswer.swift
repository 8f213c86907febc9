/// What a request was answered, kept under its idempotency key.
struct StoredAnswer: Sendable, Equatable {
    let status: Int
    /// JSON text.
    let body: String
    /// Whether the request that it was stored for had the same parameters.
    var isSameRequest = true
}

/// An `Idempotency-Key` and what the request under it asks for.
struct KeyedRequest: Sendable, Equatable {
    let key: String
    /// Path and parameters in one order; the database keeps its SHA-256.
    let fingerprint: String

    /// Binds a key to a request; without a key, to one that nobody can repeat.
    init(key: String?, path: String, fields: FormFields) {
        self.key = key ?? StripeID.make("none")
        self.fingerprint = path + "?" + fields.canonical
    }
}
