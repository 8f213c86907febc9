internal import HTTP

/// One invariant as `stack verify` judged it.
struct Finding: Sendable, Equatable, Decodable {
    let name: String
    let holds: Bool
    /// Numbers with words between them, such as `0 charged twice here, 3 at the provider`.
    let figures: String

    private struct Report: Decodable {
        let invariants: [Finding]
    }

    /// Reads what `stack verify --json` printed.
    ///
    /// - Throws: `Shop.Failed` with what it said instead.
    static func all(in text: String) throws -> [Finding] {
        let start = text.firstIndex(of: "{") ?? text.endIndex
        guard let report = try? JSON.decode(Report.self, from: Array(text[start...].utf8)) else {
            throw Shop.Failed(description: "stack verify said: \(text)")
        }
        return report.invariants
    }

    /// The number before some words of the figures; 0 where there is none.
    func number(before words: String) -> Int {
        let parts = figures.split(separator: " ")
        let wanted = words.split(separator: " ")
        for index in parts.indices.dropFirst() {
            let found = parts[index...].prefix(wanted.count).map { $0.filter { $0 != "," } }
            if found == wanted.map(String.init), let number = Int(parts[index - 1]) {
                return number
            }
        }
        return 0
    }
}
