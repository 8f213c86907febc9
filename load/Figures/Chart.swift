/// Lines over time, as SVG: nothing to load, nothing to run.
struct Chart {
    /// One line.
    struct Series {
        var name: String
        var values: [Double]
        /// A CSS class that has a colour.
        var colour: String
    }

    var title: String
    var unit: String
    /// Seconds since the start, for each value.
    var times: [Double]
    var series: [Series]

    private static let (width, height) = (760.0, 220.0)
    private static let (left, right, top, bottom) = (56.0, 8.0, 12.0, 24.0)

    /// The chart as an element of a page.
    var svg: String {
        let highest = Self.ceiling(series.flatMap(\.values).max() ?? 0)
        let end = max(times.last ?? 1, 1)
        let lines = series.map { line in
            let points = zip(times, line.values)
                .map { "\(Self.text(x($0, end))),\(Self.text(y($1, highest)))" }
                .joined(separator: " ")
            return "<polyline class=\"\(line.colour)\" points=\"\(points)\"/>"
        }
        let keys = series.map { "<span class=\"\($0.colour)\">\(HTML.escaped($0.name))</span>" }
        return """
            <figure><figcaption>\(HTML.escaped(title)), \(HTML.escaped(unit)) \(keys.joined(separator: " "))</figcaption>
            <svg viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" role="img" aria-label="\(HTML.escaped(title))">
            \(grid(highest, end))
            \(lines.joined(separator: "\n"))
            </svg></figure>
            """
    }

    private func grid(_ highest: Double, _ end: Double) -> String {
        let rows = (0...4).map { step -> String in
            let value = highest * Double(step) / 4
            let height = Self.text(y(value, highest))
            return """
                <line class="grid" x1="\(Int(Self.left))" x2="\(Int(Self.width - Self.right))" y1="\(height)" y2="\(height)"/>\
                <text x="\(Int(Self.left - 6))" y="\(height)" class="end">\(Self.text(value))</text>
                """
        }
        let columns = (0...4).map { step -> String in
            let time = end * Double(step) / 4
            return """
                <text x="\(Self.text(x(time, end)))" y="\(Int(Self.height - 6))" class="middle">\(Self.text(time)) s</text>
                """
        }
        return (rows + columns).joined(separator: "\n")
    }

    private func x(_ time: Double, _ end: Double) -> Double {
        Self.left + (Self.width - Self.left - Self.right) * time / end
    }

    private func y(_ value: Double, _ highest: Double) -> Double {
        Self.height - Self.bottom - (Self.height - Self.top - Self.bottom) * value / highest
    }

    /// The next number that reads well: 1, 2 or 5 with zeros.
    static func ceiling(_ value: Double) -> Double {
        var unit = 1.0
        while unit * 10 < value { unit *= 10 }
        return [1, 2, 5, 10].map { $0 * unit }.first { $0 >= value } ?? unit * 10
    }

    private static func text(_ number: Double) -> String {
        let tenths = (number * 10).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
    }
}

/// Text in a page.
enum HTML {
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
