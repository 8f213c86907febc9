internal import HTTP

/// Which requests an answer is for, by the fields that its `Vary` names (RFC 9111 section 4.1).
struct Variant: Sendable, Equatable {
    private let fields: [Field]

    private struct Field: Sendable, Equatable {
        let name: HeaderName
        let value: String?
    }

    /// Every request for the target.
    static let any = Variant(fields: [])

    private init(fields: [Field]) { self.fields = fields }

    /// What an answer's `Vary` makes of the request that it answers; nil when no other request will ever
    /// fit: for `*`, and for fields that the gateway makes up itself.
    init?(_ response: Headers, of request: Headers) {
        var fields: [Field] = []
        for value in response.all(.vary) {
            for member in CacheDirectives.members(of: value) {
                guard let name = HeaderName(String(member)), name != "*" else { return nil }
                // The key of every answer has these.
                if Self.keyed.contains(name) { continue }
                guard ForwardedHead.mayCross(name) || name == .cookie else { return nil }
                fields.append(Field(name: name, value: Self.value(name, of: request)))
            }
        }
        self.fields = fields
    }

    private static let keyed: Set<HeaderName> = [.host, "x-forwarded-host", "x-forwarded-proto"]

    /// Whether the answer is for this request too.
    func fits(_ request: Headers) -> Bool {
        fields.allSatisfy { Self.value($0.name, of: request) == $0.value }
    }

    /// The same fields of another request.
    func rebound(to request: Headers) -> Variant {
        Variant(
            fields: fields.map {
                Field(name: $0.name, value: Self.value($0.name, of: request))
            }
        )
    }

    /// Names and values in one text, which differs where the variants do.
    var text: String {
        fields.map { "\($0.name)\u{1}\($0.value ?? "\u{2}")" }.joined(separator: "\u{3}")
    }

    /// About how many bytes it takes.
    var cost: Int {
        fields.reduce(0) { $0 + 64 + $1.name.text.utf8.count + ($1.value ?? "").utf8.count }
    }

    /// A field's lines joined, with the white space around commas that means nothing left out.
    private static func value(_ name: HeaderName, of request: Headers) -> String? {
        let lines = request.all(name)
        guard !lines.isEmpty else { return nil }
        let members = lines.flatMap { CacheDirectives.members(of: $0) }
        // Languages are the same in any case (RFC 9110 section 12.5.4, RFC 4647 section 2).
        let text = members.joined(separator: ",")
        return name == "accept-language" ? text.lowercased() : text
    }
}
