/// What the platform's processes say of themselves, summed up.
struct Gauges: Sendable, Encodable, Equatable {
    /// Circuit breakers, one for each caller and instance it calls, by state.
    var closed = 0
    var halfOpen = 0
    var open = 0
    /// Sagas that have not ended.
    var sagas = 0

    enum CodingKeys: String, CodingKey {
        case closed, open, sagas
        case halfOpen = "half_open"
    }

    /// Adds up what callers say.
    ///
    /// - Parameter texts: `/metrics` of each caller. Each order process counts all sagas, not its own,
    ///   at its own time: the highest count is taken.
    /// - Parameter upstream: the one whose breakers count; nil for all.
    init(_ texts: [String], upstream: String? = nil) {
        for text in texts {
            let samples = MetricsText.samples(text)
            for sample in samples where sample.name == "mesh_instance_breaker" {
                if let upstream, sample.labels["upstream"] != upstream { continue }
                switch sample.value {
                case 0: closed += 1
                case 1: halfOpen += 1
                default: open += 1
                }
            }
            let pending = samples.filter { $0.name == "sagas_pending" }.map(\.value)
            sagas = max(sagas, Int(pending.reduce(0, +)))
        }
    }

    /// The breakers alone.
    var withoutSagas: Gauges {
        var breakers = self
        breakers.sagas = 0
        return breakers
    }

    /// For a line in a terminal.
    var text: String {
        let half = halfOpen > 0 ? ", \(halfOpen) half-open" : ""
        return "breakers \(open) open\(half) of \(open + halfOpen + closed)  sagas \(sagas)"
    }
}

/// Prometheus' text format, as far as ours goes.
enum MetricsText {
    struct Sample: Equatable {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    /// What the samples of a name come to, those of all labels and texts together.
    static func sum(of name: String, in texts: [String]) -> Int {
        texts.flatMap(samples).filter { $0.name == name }.reduce(0) { $0 + Int($1.value) }
    }

    /// Every line that is a sample; comments and what cannot be read are left out.
    static func samples(_ text: String) -> [Sample] {
        text.split(separator: "\n").compactMap { line in
            guard !line.hasPrefix("#"), let space = line.lastIndex(of: " "),
                let value = Double(line[line.index(after: space)...])
            else { return nil }
            let head = line[..<space]
            guard let brace = head.firstIndex(of: "{") else {
                return Sample(name: String(head), labels: [:], value: value)
            }
            // Our label values hold no quotes.
            let parts = head[head.index(after: brace)...].split(
                separator: "\"",
                omittingEmptySubsequences: false
            )
            var labels: [String: String] = [:]
            for index in stride(from: 0, to: parts.count - 1, by: 2) {
                let name = parts[index].drop { $0 == "," || $0 == " " }.dropLast()
                labels[String(name)] = String(parts[index + 1])
            }
            return Sample(name: String(head[..<brace]), labels: labels, value: value)
        }
    }
}
