/// A report with charts: one page that loads nothing.
struct HTMLReport {
    let report: Report

    init(_ report: Report) { self.report = report }

    /// The page.
    var text: String {
        """
        <!doctype html>
        <html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>Load report</title>
        <style>
        :root { color-scheme: light dark }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 800px; margin: 2em auto; padding: 0 1em }
        table { border-collapse: collapse; width: 100% } td, th { padding: .2em .6em; text-align: right }
        th:first-child, td:first-child { text-align: left } tr + tr { border-top: 1px solid #8884 }
        figure { margin: 2em 0 } svg { width: 100%; height: auto } polyline { fill: none; stroke-width: 1.5 }
        text { font-size: 11px; fill: currentColor; opacity: .7; dominant-baseline: middle }
        .end { text-anchor: end } .middle { text-anchor: middle } .grid { stroke: #8883 }
        .a { stroke: #2a78d6; color: #2a78d6 } .b { stroke: #d1702b; color: #d1702b }
        .c { stroke: #3a9e5c; color: #3a9e5c } .d { stroke: #b8447c; color: #b8447c }
        figcaption span { margin-left: 1em; font-weight: 600 }
        </style>
        <h1>\(report.all.requests) requests in \(report.seconds) s</h1>
        \(table)
        \(charts.map(\.svg).joined(separator: "\n"))
        </html>

        """
    }

    private var table: String {
        let head = ["", "requests", "a second", "p50 ms", "p90 ms", "p99 ms", "max ms", "answers"]
        let rows = report.rows.map { name, row in
            [
                name, "\(row.requests)", "\(row.requestsPerSecond)", "\(row.p50Milliseconds)",
                "\(row.p90Milliseconds)", "\(row.p99Milliseconds)", "\(row.maxMilliseconds)",
                Figure.mix(row.outcomes),
            ]
        }
        func line(_ cells: [String], _ tag: String) -> String {
            "<tr>" + cells.map { "<\(tag)>\(HTML.escaped($0))</\(tag)>" }.joined() + "</tr>"
        }
        return "<table>\n" + line(head, "th") + "\n"
            + rows.map { line($0, "td") }.joined(separator: "\n") + "\n</table>"
    }

    private var charts: [Chart] {
        let moments = report.timeline
        let times = moments.map(\.second)
        func chart(_ title: String, _ unit: String, _ series: [Chart.Series]) -> Chart {
            Chart(title: title, unit: unit, times: times, series: series)
        }
        func answers(_ first: Character) -> [Double] {
            moments.map { moment in
                Double(moment.outcomes.filter { $0.key.first == first }.values.reduce(0, +))
            }
        }
        var charts = [
            chart(
                "Answers",
                "a second",
                [
                    .init(name: "2xx", values: answers("2"), colour: "c"),
                    .init(name: "4xx", values: answers("4"), colour: "a"),
                    .init(name: "5xx", values: answers("5"), colour: "b"),
                    .init(name: "none", values: answers("n"), colour: "d"),
                ]
            ),
            chart(
                "Latency",
                "ms",
                [
                    .init(name: "p50", values: moments.map(\.p50Milliseconds), colour: "a"),
                    .init(name: "p99", values: moments.map(\.p99Milliseconds), colour: "b"),
                ]
            ),
        ]
        let gauges = moments.compactMap(\.gauges)
        if gauges.count == moments.count, !gauges.isEmpty {
            charts.append(
                chart(
                    "Platform",
                    "breakers that are not closed, sagas that have not ended",
                    [
                        .init(
                            name: "breakers",
                            values: gauges.map { Double($0.open + $0.halfOpen) },
                            colour: "b"
                        ),
                        .init(name: "sagas", values: gauges.map { Double($0.sagas) }, colour: "a"),
                    ]
                )
            )
        }
        return charts
    }
}
