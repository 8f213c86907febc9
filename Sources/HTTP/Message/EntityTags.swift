/// The value of `If-Match` or `If-None-Match`: any version, or those listed (RFC 9110 §13.1, §8.8.3).
public enum EntityTags: Sendable, Equatable {
    /// `*`: whatever there is.
    case any
    /// The tags of the list, as they are spelled, quotes and `W/` included.
    case these([String])

    /// All the values of one field; nil when there is none.
    ///
    /// What is no list of tags matches nothing: then nothing is overwritten, and everything is sent.
    public init?(_ values: [String]) {
        guard !values.isEmpty else { return nil }
        self.init(values.joined(separator: ","))
    }

    /// One value, or several joined by commas.
    public init(_ text: String) {
        let bytes = Array(text.utf8)
        let members = ByteClass.members(of: bytes, bytes.indices)
        if members.count == 1, let only = members.first, Array(bytes[only]) == [0x2A] {
            self = .any
        } else {
            self = .these(Self.tags(bytes) ?? [])
        }
    }

    /// The strong comparison, for `If-Match`: a weak tag is equal to nothing, itself included.
    public func matchesStrongly(_ tag: String) -> Bool {
        switch self {
        case .any: true
        case .these(let tags): !tag.hasPrefix("W/") && tags.contains(tag)
        }
    }

    /// The weak comparison, for `If-None-Match`: `W/` counts for nothing on either side.
    public func matchesWeakly(_ tag: String) -> Bool {
        switch self {
        case .any: true
        case .these(let tags):
            tags.contains { Self.opaque($0) == Self.opaque(tag) }
        }
    }

    private static func opaque(_ tag: String) -> Substring {
        tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]
    }

    /// `[W/]"…"` with commas between; a comma inside the quotes is part of a tag; nil if malformed.
    private static func tags(_ bytes: [UInt8]) -> [String]? {
        var tags: [String] = []
        var index = 0
        var mayBegin = true
        while index < bytes.count {
            if ByteClass.isBlank(bytes[index]) || bytes[index] == 0x2C {
                if bytes[index] == 0x2C { mayBegin = true }
                index += 1
                continue
            }
            guard mayBegin else { return nil }
            let start = index
            if bytes[index...].starts(with: [0x57, 0x2F]) { index += 2 }
            guard index < bytes.count, bytes[index] == 0x22,
                let end = bytes[(index + 1)...].firstIndex(of: 0x22)
            else { return nil }
            tags.append(String(decoding: bytes[start...end], as: UTF8.self))
            index = end + 1
            mayBegin = false
        }
        return tags
    }
}

extension Request {
    /// Whether the client has this version already, so that a 304 is enough.
    ///
    /// - Parameter tag: the present version's tag, with its quotes.
    public func has(_ tag: String) -> Bool {
        EntityTags(headers.all(.ifNoneMatch))?.matchesWeakly(tag) ?? false
    }

    /// Lets a change pass only if it is made to the version that the client saw.
    ///
    /// - Parameter tag: the present version's tag; nil when there is nothing yet.
    /// - Throws: a 412 problem that tells the present tag, for `If-Match` without a strong match and
    ///   for `If-None-Match` with a match, as in `If-None-Match: *` to create and never overwrite.
    public func requireMatch(_ tag: String?) throws(Problem) {
        if let wanted = EntityTags(headers.all(.ifMatch)) {
            guard let tag, wanted.matchesStrongly(tag) else { throw Self.changed(tag) }
        }
        if let unwanted = EntityTags(headers.all(.ifNoneMatch)), let tag {
            guard !unwanted.matchesWeakly(tag) else { throw Self.changed(tag) }
        }
    }

    /// The answer to a conditional GET: 304 with the same fields when the client has this version.
    public func unlessUnchanged(_ tag: String, _ response: Response) -> Response {
        var response = response
        response.headers[.etag] = tag
        guard method == .get || method == .head, response.status == .ok, has(tag) else {
            return response
        }
        // Of what describes the content, only the tag goes with a 304 (RFC 9110 §15.4.5).
        response.headers.remove(.contentType)
        response.status = .notModified
        response.body = .none
        return response
    }

    private static func changed(_ tag: String?) -> Problem {
        Problem(
            .preconditionFailed,
            "changed-meanwhile",
            detail: "this is not the present version; read it again",
            headers: tag.map { [.etag: $0] } ?? [:]
        )
    }
}
