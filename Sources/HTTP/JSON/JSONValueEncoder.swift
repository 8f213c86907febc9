internal import FoundationEssentials

/// Lets a value encode itself into one place of a text.
///
/// Two words and no class: an encoder is made for each value that is not a plain one.
struct JSONValueEncoder: Encoder {
    let text: JSONText
    let place: Int

    var codingPath: [any CodingKey] { text.path(to: place) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        text.open(place, isObject: true)
        return KeyedEncodingContainer(JSONKeyedContainer<Key>(text: text, object: place))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        text.open(place, isObject: false)
        return JSONUnkeyedContainer(text: text, array: place)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        JSONSingleContainer(encoder: self)
    }

    /// Encodes any value here; a few types of Foundation have a form of their own in JSON.
    func encode<Value: Encodable>(_ value: Value) throws {
        if Value.self == Date.self, let date = value as? Date {
            string(JSON.text(of: date))
        } else if Value.self == Data.self, let data = value as? Data {
            string(data.base64EncodedString())
        } else if Value.self == URL.self, let url = value as? URL {
            string(url.absoluteString)
        } else if Value.self == Decimal.self, let decimal = value as? Decimal {
            text.fill(place)
            text.number(decimal.description)
        } else {
            try value.encode(to: self)
        }
    }

    private func string(_ value: String) {
        text.fill(place)
        text.string(value)
    }
}

/// A value that is one word of JSON.
protocol JSONScalar: Encodable {
    /// Writes the value where one is to come; false for a number that JSON cannot hold.
    func write(to text: JSONText) -> Bool
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

extension Bool: JSONScalar {
    func write(to text: JSONText) -> Bool {
        text.bool(self)
        return true
    }
}
extension String: JSONScalar {
    func write(to text: JSONText) -> Bool {
        text.string(self)
        return true
    }
}
extension JSONScalar where Self: BinaryInteger {
    func write(to text: JSONText) -> Bool {
        if let value = Int(exactly: self) {
            text.integer(value)
        } else {
            text.number(description)
        }
        return true
    }
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
    func write(to text: JSONText) -> Bool {
        guard isFinite else { return false }
        let digits = description
        text.number(digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits)
        return true
    }
}
extension Float: JSONScalar {}
extension Double: JSONScalar {}
