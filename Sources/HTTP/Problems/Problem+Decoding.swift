extension Problem {
    /// What a client is told when its JSON does not decode.
    ///
    /// Text that is no JSON is a 400 with the position; JSON of the wrong shape is a 422 that names
    /// the field by JSON pointer.
    public init(decoding error: any Error) {
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
            if context.codingPath.isEmpty, let cause = context.underlyingError {
                self = Problem(
                    .badRequest,
                    "malformed-json",
                    title: "Malformed JSON",
                    detail: "the content is not JSON: \(Self.text(of: cause))"
                )
            } else {
                self = .invalid(
                    Self.pointer(context.codingPath),
                    context.debugDescription
                )
            }
        @unknown default:
            self = .badRequest("the content cannot be read")
        }
    }

    /// The path as a JSON pointer (RFC 6901 §3).
    private static func pointer(_ path: [any CodingKey]) -> String {
        path.map { key in
            if let index = key.intValue { return "/\(index)" }
            let escaped = key.stringValue.replacing("~", with: "~0").replacing("/", with: "~1")
            return "/\(escaped)"
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

    /// The parser's own words, which hold a line, a column and nothing of the input but a character.
    private static func text(of error: any Error) -> String {
        let text = "\(error)"
        guard let mark = text.firstRange(of: "NSDebugDescription=") else { return text }
        return String(text[mark.upperBound...].prefix { $0 != "}" && $0 != "\"" })
    }
}
