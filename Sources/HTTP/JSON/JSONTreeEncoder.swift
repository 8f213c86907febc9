internal import FoundationEssentials

/// Lets a value encode itself into one place of a tree.
///
/// Two words and no class: an encoder is made for each value that is not a plain one.
struct JSONTreeEncoder: Encoder {
    let container: JSONContainer
    let place: Int

    var codingPath: [any CodingKey] { container.path(to: place) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// The value as a tree.
    ///
    /// - Throws: `EncodingError.invalidValue`, or what the value's own `encode` throws.
    static func tree(_ value: some Encodable) throws -> JSONNode {
        let root = JSONContainer.root()
        let encoder = JSONTreeEncoder(container: root, place: 0)
        try encoder.encode(value)
        return root.members[0].node
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(
            JSONKeyedContainer<Key>(object: container.child(place, isObject: true))
        )
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        JSONUnkeyedContainer(array: container.child(place, isObject: false))
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        JSONSingleContainer(encoder: self)
    }

    /// Encodes any value here; a few types of Foundation have a form of their own in JSON.
    func encode<Value: Encodable>(_ value: Value) throws {
        if Value.self == Date.self, let date = value as? Date {
            container.fill(place, .string(JSON.text(of: date)))
        } else if Value.self == Data.self, let data = value as? Data {
            container.fill(place, .string(data.base64EncodedString()))
        } else if Value.self == URL.self, let url = value as? URL {
            container.fill(place, .string(url.absoluteString))
        } else if Value.self == Decimal.self, let decimal = value as? Decimal {
            container.fill(place, .number(decimal.description))
        } else {
            try value.encode(to: self)
        }
    }
}

/// A value that is one word of JSON.
protocol JSONScalar: Encodable {
    /// The value; nil for a number that JSON cannot hold.
    var jsonNode: JSONNode? { get }
}

extension JSONScalar {
    /// The error that says that JSON cannot hold the value.
    func refusal(at path: [any CodingKey]) -> any Error {
        EncodingError.invalidValue(
            self,
            EncodingError.Context(
                codingPath: path,
                debugDescription: "JSON has no number for \(self)"
            )
        )
    }
}

extension Bool: JSONScalar { var jsonNode: JSONNode? { .bool(self) } }
extension String: JSONScalar { var jsonNode: JSONNode? { .string(self) } }
extension JSONScalar where Self: BinaryInteger {
    var jsonNode: JSONNode? { Int(exactly: self).map(JSONNode.integer) ?? .number(description) }
}
extension Int: JSONScalar {}
extension Int8: JSONScalar {}
extension Int16: JSONScalar {}
extension Int32: JSONScalar {}
extension Int64: JSONScalar {}
extension UInt: JSONScalar {}
extension UInt8: JSONScalar {}
extension UInt16: JSONScalar {}
extension UInt32: JSONScalar {}
extension UInt64: JSONScalar {}
extension JSONScalar where Self: BinaryFloatingPoint & CustomStringConvertible {
    /// The shortest text that reads as the same number; whole numbers without a fraction.
    var jsonNode: JSONNode? {
        guard isFinite else { return nil }
        let text = description
        return .number(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }
}
extension Float: JSONScalar {}
extension Double: JSONScalar {}
