extension Request {
    /// All of the content.
    ///
    /// - Parameter limit: the most bytes it may have.
    /// - Throws: a 413 problem beyond the limit (at once when the length was announced), 400 when it
    ///   is malformed or cut short, 408 when it comes too slowly.
    public func body(limit: Int = 1 << 20) async throws(Problem) -> [UInt8] {
        try await bodyStream.collect(limit: limit)
    }

    /// The content as JSON.
    ///
    /// - Throws: a 415 problem when the content is not declared to be JSON or is compressed, 413 beyond the limit, 400
    ///   with the position when it is malformed, 422 naming the field when its shape is wrong.
    public func json<Value: Decodable>(
        _ type: Value.Type = Value.self,
        limit: Int = 1 << 20
    ) async throws(Problem) -> Value {
        let media = mediaType
        guard media == "application/json" || media.hasSuffix("+json") else {
            throw Problem(.unsupportedMediaType, detail: "the content must be application/json")
        }
        try refuseCoding()
        let bytes = try await body(limit: limit)
        guard !bytes.isEmpty else { throw .badRequest("the content is empty") }
        do {
            return try JSON.decode(type, from: bytes)
        } catch {
            throw Problem(decoding: error, of: bytes)
        }
    }

    /// The content as the fields of a form.
    ///
    /// - Throws: a 415 problem for another content type or a compressed content, 413 beyond the limit, 400 when malformed.
    public func form(limit: Int = 1 << 20) async throws(Problem) -> Query {
        guard mediaType == "application/x-www-form-urlencoded" else {
            throw Problem(
                .unsupportedMediaType,
                detail: "the content must be application/x-www-form-urlencoded"
            )
        }
        try refuseCoding()
        let bytes = try await body(limit: limit)
        guard Query.isValid(bytes, bytes.indices) else {
            throw .badRequest("the form is malformed")
        }
        return Query(bytes, bytes.indices)
    }

    /// Contents are taken as they are: decompressing them would let a few bytes become many.
    ///
    /// - Throws: a 415 problem that says so (RFC 9110 §12.5.3, §15.5.16).
    private func refuseCoding() throws(Problem) {
        guard let coding = headers[.contentEncoding], coding.lowercased() != "identity" else {
            return
        }
        throw Problem(
            .unsupportedMediaType,
            detail: "the content must not be encoded, as by gzip",
            headers: [.acceptEncoding: "identity"]
        )
    }

    /// The content's media type in lower case, without its parameters; empty when not declared.
    public var mediaType: String {
        let value = headers[.contentType] ?? ""
        let end = value.firstIndex(of: ";") ?? value.endIndex
        let bytes = value[..<end].utf8.filter { !ByteClass.isBlank($0) }
        return String(decoding: bytes.map(ByteClass.lowered), as: UTF8.self)
    }
}
