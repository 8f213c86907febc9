internal import Glibc

/// What a person sees: results on standard output, remarks on standard error.
enum Terminal {
    /// A line of the result.
    static func say(_ line: String = "") { put(line + "\n", to: 1) }

    /// A part of the result as it is.
    static func put(_ text: String) { put(text, to: 1) }

    /// A remark beside the result.
    static func note(_ line: String) { put(line + "\n", to: 2) }

    private static func put(_ text: String, to descriptor: Int32) {
        // A closed terminal or pipe is no reason to leave processes half-managed.
        try? Files.write(Array(text.utf8), to: descriptor)
    }

    /// Columns of equal width, two spaces apart; the last is as long as it likes.
    static func table(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { index, cell in
                let isLast = index == row.count - 1
                return isLast
                    ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
