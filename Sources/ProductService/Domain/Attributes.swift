/// What a product's data sheet says: names and plain values, such as `battery_hours: 34`.
struct Attributes: Sendable, Hashable, Codable {
    /// The most attributes a product has.
    static let maxCount = 32

    /// A value; nothing nested, so that it can be shown and compared.
    enum Value: Sendable, Hashable {
        case flag(Bool)
        case whole(Int)
        case number(Double)
        case text(String)
    }

    var values: [String: Value]

    init(_ values: [String: Value] = [:]) { self.values = values }

    init(from decoder: any Decoder) throws {
        values = try decoder.singleValueContainer().decode([String: Value].self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values)
    }

    /// Notes what the store or a page could not take; `place` points at the attributes.
    func inspect(_ inspection: inout Inspection, _ place: String) {
        inspection.require(
            values.count <= Self.maxCount,
            place,
            "must have at most \(Self.maxCount) members"
        )
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            let isName = name.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
            }
            inspection.require(
                isName && (1...40).contains(name.utf8.count),
                place,
                "must have names of 1 to 40 characters a-z, 0-9 and _"
            )
            guard case .text(let text) = value else { continue }
            inspection.require(text: text, "\(place)/\(name)", length: 1...200)
        }
    }
}

extension Attributes.Value: Codable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let whole = try? container.decode(Int.self) {
            self = .whole(whole)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let flag): try container.encode(flag)
        case .whole(let whole): try container.encode(whole)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        }
    }
}
