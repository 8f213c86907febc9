internal import Messaging

/// When and by whom a line of a cart was written: of two writes to a line, the later stamp counts.
///
/// A reading of a hybrid logical clock and, for writes of the same reading, the name of the device. Its
/// text is `019aa5b3c2d10003@phone-1`: twelve hexadecimal digits of milliseconds since 1970, four of a
/// counter, and the device. Stamps compare as their texts do, so a client needs to compare nothing else.
struct CartStamp: Sendable, Hashable {
    /// The longest name of a device.
    static let maxDevice = 64
    /// Who writes when a client does not say.
    static let shop = "shop"

    let reading: HybridLogicalClock.Reading
    let device: String

    init(_ reading: HybridLogicalClock.Reading, _ device: String) {
        self.reading = reading
        self.device = device
    }
}

extension CartStamp: Comparable {
    static func < (left: CartStamp, right: CartStamp) -> Bool {
        (left.reading, left.device) < (right.reading, right.device)
    }
}

extension CartStamp: LosslessStringConvertible {
    private static let digits = 16

    /// Reads the text; nil for anything that `description` does not write.
    init?(_ description: String) {
        let parts = description.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == Self.digits,
            parts[0].utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }),
            let reading = HybridLogicalClock.Reading(parts[0], radix: 16),
            (1...Self.maxDevice).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy(Self.isAllowed)
        else { return nil }
        self.init(reading, String(parts[1]))
    }

    var description: String { "\(Self.text(of: reading))@\(device)" }

    /// A reading in as many digits as any other, so that texts compare as numbers do.
    static func text(of reading: HybridLogicalClock.Reading) -> String {
        let text = String(reading, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// Letters, digits and `+-._:`.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || [43, 45, 46, 58, 95].contains(byte)
    }
}
