public import HTTP

extension FaultRule {
    /// Reads a rule as `POST /faults` takes it.
    ///
    /// - Parameters:
    ///   - value: an object such as `{"route": "PUT /payments/{order_id}", "drop_reply": true}`.
    ///   - name: what it is called when it has no `name`.
    ///   - pointer: where the value is in the content (RFC 6901).
    /// - Throws: a 422 problem that names every member that is wrong.
    public init(_ value: JSONValue, name: String, at pointer: String = "") throws(Problem) {
        guard case .object(let members) = value else {
            throw .invalid(pointer, "must be an object, such as {\"latency_ms\": 300}")
        }
        var reader = FaultReader(members, pointer)
        self.init(reader.text("name") ?? name)
        if name.isEmpty || self.name.isEmpty || self.name.contains(where: { !Self.isNamed($0) }) {
            reader.refuse("name", "must consist of letters, digits, - _ and .")
        }
        if let text = reader.text("side") {
            if let known = Side(rawValue: text) {
                side = known
            } else {
                reader.refuse("side", "must be incoming or outgoing")
            }
        }
        if let text = reader.text("route") {
            do throws(FaultRoute.Invalid) { route = try FaultRoute(text) } catch {
                reader.refuse("route", error.description)
            }
        }
        peer = reader.text(side == .incoming ? "caller" : "upstream")
        percent = reader.number("percent", above: 0, to: 100) ?? 100
        skip = reader.whole("skip", 0...1_000_000_000) ?? 0
        count = reader.whole("count", 1...1_000_000_000)
        duration = reader.whole("duration_ms", 1...86_400_000).map { .milliseconds($0) }
        actions = reader.actions()
        check(members, &reader)
        try reader.finish()
    }

    private static func isNamed(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
    }

    /// What fits no single member.
    private func check(_ members: [String: JSONValue], _ reader: inout FaultReader) {
        let ends = actions.count(where: \.endsRequest)
        if actions.isEmpty, reader.errors.isEmpty {
            reader.refuse("", "does nothing; give it one of \(FaultReader.actionNames)")
        }
        if ends > 1 {
            reader.refuse("", "error, reset and drop_request exclude each other")
        } else if ends == 1, actions.contains(where: \.needsAnswer) {
            reader.refuse("", "drop_reply, duplicate and slow_body need a request that is handled")
        }
        guard members["clock_offset_ms"] != nil else { return }
        for name in ["route", "caller", "upstream", "percent", "skip", "count", "side"]
        where members[name] != nil {
            reader.refuse(name, "has no meaning for the clock, which is the whole process's")
        }
        if actions.count > 1 {
            reader.refuse("clock_offset_ms", "goes into a rule of its own")
        }
    }

    /// The rule as it is read.
    public var json: JSONValue {
        var members: [String: JSONValue] = ["name": .string(name)]
        if side == .outgoing { members["side"] = "outgoing" }
        if let route { members["route"] = .string(route.description) }
        if let peer { members[side == .incoming ? "caller" : "upstream"] = .string(peer) }
        if percent != 100 { members["percent"] = .number(percent) }
        if skip > 0 { members["skip"] = .integer(Int64(skip)) }
        if let count { members["count"] = .integer(Int64(count)) }
        if let duration { members["duration_ms"] = FaultReader.json(duration) }
        for action in actions {
            let (name, value) = FaultReader.json(action)
            members[name] = value
        }
        return .object(members)
    }
}

extension FaultRule.Action {
    var endsRequest: Bool {
        switch self {
        case .error, .reset, .dropRequest: true
        case .latency, .dropReply, .duplicate, .slowBody, .clockOffset: false
        }
    }

    var needsAnswer: Bool {
        switch self {
        case .dropReply, .duplicate, .slowBody: true
        case .error, .reset, .dropRequest, .latency, .clockOffset: false
        }
    }
}
