/// A list of things a client takes, each with its weight: `Accept`, `Accept-Encoding` (RFC 9110 §12.5).
struct Preferences: Sendable {
    /// The names in lower case, without other parameters, with weights in thousandths.
    private(set) var entries: [(name: String, weight: Int)] = []

    /// The values of one field; what is malformed in them is left out.
    init(_ values: [String]) {
        for value in values {
            for member in value.split(separator: ",") {
                let parts = member.split(separator: ";").map(Self.trimmed)
                guard let name = parts.first, !name.isEmpty else { continue }
                let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Self.weight($0) }
                guard let weight = weight ?? .some(1000) else { continue }
                entries.append((name, weight))
            }
        }
    }

    /// The weight of exactly this name; nil when it is not listed.
    func weight(_ name: String) -> Int? {
        entries.first { $0.name == name }?.weight
    }

    /// `q=` with at most three decimals; nil for anything else.
    private static func weight(_ text: String) -> Int? {
        let digits = Array(text.utf8.dropFirst(2))
        guard (1...5).contains(digits.count), digits[0] == 0x30 || digits[0] == 0x31,
            digits.count == 1 || digits[1] == 0x2E,
            digits.dropFirst(2).allSatisfy(ByteClass.isDigit)
        else { return nil }
        var weight = Int(digits[0] - 0x30)
        for place in 2..<5 {
            weight = weight * 10 + (place < digits.count ? Int(digits[place] - 0x30) : 0)
        }
        return weight <= 1000 ? weight : nil
    }

    private static func trimmed(_ text: Substring) -> String {
        let bytes = text.utf8.filter { !ByteClass.isBlank($0) }
        return String(decoding: bytes.map(ByteClass.lowered), as: UTF8.self)
    }
}

extension Request {
    /// The media type to answer with: of those offered, the one that the client likes best.
    ///
    /// A client that says nothing takes the first.
    ///
    /// - Throws: a 406 problem that names the offers when `Accept` allows none of them.
    public func preferred(of offers: [String]) throws(Problem) -> String {
        let values = headers.all(.accept)
        guard let first = offers.first else { throw Problem(.notAcceptable) }
        guard !values.isEmpty else { return first }
        let accepted = Preferences(values)
        var best: (offer: String, weight: Int)?
        for offer in offers {
            let family = "\(offer.prefix { $0 != "/" })/*"
            let weight =
                accepted.weight(offer) ?? accepted.weight(family) ?? accepted.weight("*/*") ?? 0
            if weight > best?.weight ?? 0 { best = (offer, weight) }
        }
        guard let best else {
            throw Problem(
                .notAcceptable,
                detail: "this is available as \(offers.joined(separator: ", "))"
            )
        }
        return best.offer
    }

    /// Whether the client takes `gzip`, and likes it no less than the plain content.
    var acceptsGzip: Bool {
        let accepted = Preferences(headers.all("accept-encoding"))
        let any = accepted.weight("*")
        let gzip = accepted.weight("gzip") ?? accepted.weight("x-gzip") ?? any ?? 0
        // Not listed, the plain content is still acceptable, but less so than what is asked for.
        return gzip > 0 && gzip >= accepted.weight("identity") ?? 0
    }
}
