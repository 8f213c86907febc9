extension Problem {
    /// What a client is told when its JSON does not decode.
    ///
    /// Text that is no JSON is a 400 with the position; JSON of the wrong shape is a 422 that names
    /// the field by JSON pointer.
    ///
    /// - Parameter bytes: the text that did not decode.
    public init(decoding error: any Error, of bytes: [UInt8]) {
        guard let error = error as? DecodingError else {
            self = .badRequest("the content cannot be read")
            return
        }
        switch error {
        case .keyNotFound(let key, let context):
            self = .invalid(Self.pointer(context.codingPath + [key]), "is missing")
        case .typeMismatch(let type, let context):
            self = .invalid(
                Self.pointer(context.codingPath),
                "must be \(Self.name(of: type))"
            )
        case .valueNotFound(let type, let context):
            self = .invalid(
                Self.pointer(context.codingPath),
                "must be \(Self.name(of: type)), not null"
            )
        case .dataCorrupted(let context):
            guard context.codingPath.isEmpty else {
                self = .invalid(Self.pointer(context.codingPath), context.debugDescription)
                return
            }
            self = Self.unreadable(bytes)
        @unknown default:
            self = .badRequest("the content cannot be read")
        }
    }

    /// Foundation could not say where: either this is no JSON, or a number does not fit its field.
    private static func unreadable(_ bytes: [UInt8]) -> Problem {
        switch JSONCheck.verdict(on: bytes) {
        case .malformed(let line, let column):
            Problem(
                .badRequest,
                "malformed-json",
                title: "Malformed JSON",
                detail: "the content is not JSON: line \(line), column \(column)"
            )
        case .tooDeep(let line, let column):
            .badRequest(
                "the content is nested deeper than \(JSON.mostLevels) levels: line \(line), column \(column)"
            )
        case .oddNumber(let pointer):
            .invalid(pointer, "must be a whole number that is not too large")
        case .plain: .badRequest("the content cannot be read")
        }
    }

    /// The path as a JSON pointer (RFC 6901 §3).
    private static func pointer(_ path: [any CodingKey]) -> String {
        path.map { key in
            if let index = key.intValue { return "/\(index)" }
            return "/\(JSONPointer.escape(key.stringValue))"
        }.joined()
    }

    /// A Swift type in the words of JSON.
    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is any FixedWidthInteger.Type: "an integer"
        case is any BinaryFloatingPoint.Type: "a number"
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        default:
            if "\(type)".hasPrefix("Array<") || "\(type)" == "Array<Any>" {
                "an array"
            } else if "\(type)".hasPrefix("Dictionary<") {
                "an object"
            } else {
                "another kind of value"
            }
        }
    }
}
