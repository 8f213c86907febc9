internal import HTTP
internal import Postgres

/// The client's name for one checkout: the same key never places two orders.
struct IdempotencyKey: RawRepresentable, Sendable, Hashable, PostgresEncodable, PostgresDecodable {
    /// The longest key.
    static let maxLength = 255

    let rawValue: String

    /// Takes 1 to 255 visible ASCII characters; nil for anything else.
    init?(rawValue: String) {
        let bytes = rawValue.utf8
        guard (1...Self.maxLength).contains(bytes.count),
            bytes.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return nil }
        self.rawValue = rawValue
    }

    /// The key that a request carries.
    ///
    /// - Throws: a 400 problem when it is missing, repeated or malformed.
    init(of request: Request) throws(Problem) {
        let values = request.headers.all(.idempotencyKey)
        guard let text = values.first else {
            throw Problem(
                .badRequest,
                "idempotency-key-missing",
                detail: "send an Idempotency-Key header, for example a UUID; repeat it to ask again"
            )
        }
        guard values.count == 1, let key = IdempotencyKey(rawValue: text) else {
            throw Problem(
                .badRequest,
                "idempotency-key-invalid",
                detail: "Idempotency-Key must be sent once and have 1 to \(Self.maxLength) visible "
                    + "ASCII characters"
            )
        }
        self = key
    }
}
