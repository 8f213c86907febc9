/// An object's members, as a type with keys encodes them.
struct JSONKeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let text: JSONText
    let object: Int

    var codingPath: [any CodingKey] { text.path(to: object) }

    func encodeNil(forKey key: Key) {
        text.key(key.stringValue, in: object)
        text.null()
    }

    func encode<Value: JSONScalar>(_ value: Value, forKey key: Key) throws {
        text.key(key.stringValue, in: object)
        guard value.write(to: text) else { throw value.refusal(at: codingPath + [key]) }
        if text.isInVain { throw JSONText.Beyond() }
    }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try place(key).encode(value)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        place(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        place(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { place("super") }

    func superEncoder(forKey key: Key) -> any Encoder { place(key) }

    private func place(_ key: Key) -> JSONValueEncoder { place(key.stringValue) }

    private func place(_ key: String) -> JSONValueEncoder {
        JSONValueEncoder(text: text, place: text.place(key, in: object))
    }
}

/// An array's elements.
struct JSONUnkeyedContainer: UnkeyedEncodingContainer {
    let text: JSONText
    let array: Int

    var codingPath: [any CodingKey] { text.path(to: array) }
    var count: Int { text.count(array) }

    func encodeNil() {
        text.element(in: array)
        text.null()
    }

    func encode<Value: JSONScalar>(_ value: Value) throws {
        text.element(in: array)
        guard value.write(to: text) else {
            throw value.refusal(at: codingPath + [JSONKey(count - 1)])
        }
        if text.isInVain { throw JSONText.Beyond() }
    }

    func encode<Value: Encodable>(_ value: Value) throws { try place().encode(value) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        place().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { place().unkeyedContainer() }

    func superEncoder() -> any Encoder { place() }

    private func place() -> JSONValueEncoder {
        JSONValueEncoder(text: text, place: text.place(in: array))
    }
}

/// A value that encodes as another one.
struct JSONSingleContainer: SingleValueEncodingContainer {
    let encoder: JSONValueEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil() {
        encoder.text.fill(encoder.place)
        encoder.text.null()
    }

    func encode<Value: JSONScalar>(_ value: Value) throws {
        guard value.write(to: encoder.text) else { throw value.refusal(at: codingPath) }
        encoder.text.fill(encoder.place)
    }

    func encode<Value: Encodable>(_ value: Value) throws { try encoder.encode(value) }
}

/// A member's key, or an element's number, in a path.
struct JSONKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ key: String) { (stringValue, intValue) = (key, nil) }
    init(_ number: Int) { (stringValue, intValue) = ("Index \(number)", number) }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
}
