internal import Contracts
internal import FoundationEssentials
internal import Identity

extension ID where Kind == OrderKind {
    /// The id of the order that a customer's idempotency key places, whoever places it.
    ///
    /// Every replica comes to the same id without asking anybody, so an order that one of them could
    /// only save and another one placed meanwhile is one order. A UUID of version 8 (RFC 9562 section
    /// 5.8): the first twelve bytes are a digest of customer and key, the last four a digest of
    /// customer and those twelve, by which `couldBelong` recognises it.
    static func naming(_ customer: UserID, _ key: IdempotencyKey) -> OrderID {
        let digest = SHA256.hash("order\n\(customer)\n\(key.rawValue)")
        var bytes = Array(digest.prefix(12))
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        return OrderID(uuid(bytes + check(customer, bytes)))
    }

    /// Whether some key of this customer may lead to the id; by chance it does one time in four
    /// thousand million.
    func couldBelong(to customer: UserID) -> Bool {
        let bytes = octets
        return Array(bytes.suffix(4)) == Self.check(customer, Array(bytes.prefix(12)))
    }

    private static func check(_ customer: UserID, _ bytes: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(Array("order check\n\(customer)\n".utf8) + bytes).prefix(4))
    }

    private static func uuid(_ b: [UInt8]) -> UUID {
        UUID(
            uuid: (
                b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
                b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]
            )
        )
    }

    private var octets: [UInt8] {
        let u = uuid.uuid
        return [
            u.0, u.1, u.2, u.3, u.4, u.5, u.6, u.7, u.8, u.9, u.10, u.11, u.12, u.13, u.14, u.15,
        ]
    }
}
