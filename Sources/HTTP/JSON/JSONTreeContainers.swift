/// An object's members, as a type with keys encodes them.
struct JSONKeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let object: JSONContainer

    var codingPath: [any CodingKey] { object.path() }

    func encodeNil(forKey key: Key) { object.append(key.stringValue, .null) }

    func encode<Value: JSONScalar>(_ value: Value, forKey key: Key) throws {
        guard let node = value.jsonNode else { throw value.refusal(at: codingPath + [key]) }
        object.append(key.stringValue, node)
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

    private func place(_ key: Key) -> JSONTreeEncoder { place(key.stringValue) }

    private func place(_ key: String) -> JSONTreeEncoder {
        object.append(key, .missing)
        return JSONTreeEncoder(container: object, place: object.members.count - 1)
    }
}

/// An array's elements.
struct JSONUnkeyedContainer: UnkeyedEncodingContainer {
    let array: JSONContainer

    var codingPath: [any CodingKey] { array.path() }
    var count: Int { array.members.count }

    func encodeNil() { array.append("", .null) }

    func encode<Value: JSONScalar>(_ value: Value) throws {
        guard let node = value.jsonNode else {
            throw value.refusal(at: codingPath + [JSONKey(count)])
        }
        array.append("", node)
    }

    func encode<Value: Encodable>(_ value: Value) throws { try place().encode(value) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        place().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { place().unkeyedContainer() }

    func superEncoder() -> any Encoder { place() }

    private func place() -> JSONTreeEncoder {
        array.append("", .missing)
        return JSONTreeEncoder(container: array, place: count - 1)
    }
}

/// A value that encodes as another one.
struct JSONSingleContainer: SingleValueEncodingContainer {
    let encoder: JSONTreeEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil() { encoder.container.fill(encoder.place, .null) }

    func encode<Value: JSONScalar>(_ value: Value) throws {
        guard let node = value.jsonNode else { throw value.refusal(at: codingPath) }
        encoder.container.fill(encoder.place, node)
    }

    func encode<Value: Encodable>(_ value: Value) throws { try encoder.encode(value) }
}
