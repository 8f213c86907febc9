internal import HTTP

extension TraceTree {
    /// Columns that the bars take.
    private static let width = 32

    /// The trace as a page of text: a line a span, indented below its cause, with a bar that shows when.
    var waterfall: String {
        var lines = [
            "trace \(traceID)  \(Self.time(milliseconds)), \(spanCount) spans, "
                + "\(instances.count) processes" + (isComplete ? "" : ", incomplete")
        ]
        var rows: [(left: String, node: Node)] = []
        for root in roots { Self.append(root, "", "", &rows) }
        let wide = min(72, rows.map(\.left.count).max() ?? 0)
        for (left, node) in rows { lines.append(line(left, node, wide)) }
        for part in missing {
            let who = part.instance.map { "\(part.service) at \($0)" } ?? part.service
            lines.append("missing: \(who): \(part.reason)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func append(
        _ node: Node,
        _ indent: String,
        _ below: String,
        _ rows: inout [(left: String, node: Node)]
    ) {
        rows.append((indent + "\(node.instance)  \(node.span.name)", node))
        for (index, child) in node.children.enumerated() {
            let isLast = index + 1 == node.children.count
            append(child, below + (isLast ? "└ " : "├ "), below + (isLast ? "  " : "│ "), &rows)
        }
    }

    private func line(_ left: String, _ node: Node, _ wide: Int) -> String {
        let shown = left.count <= wide ? left : String(left.prefix(wide - 1)) + "…"
        let padding = String(repeating: " ", count: max(0, wide - shown.count))
        let time = Self.time(node.span.milliseconds)
        let gap = String(repeating: " ", count: max(1, 10 - time.count))
        var line = "\(shown)\(padding) \(gap)\(time)  |\(bar(node))|"
        if let status = node.span.attributes["http.response.status_code"]?.integer {
            line += " \(status)"
        }
        if let failure = node.span.failure { line += " ! \(Self.oneLine(failure))" }
        return line
    }

    private func bar(_ node: Node) -> String {
        let scale = milliseconds > 0 ? Double(Self.width) / milliseconds : 0
        let first = max(0, min(Self.width - 1, Int(node.offset * scale)))
        let length = max(
            1,
            min(Self.width - first, Int((node.span.milliseconds * scale).rounded()))
        )
        return String(repeating: " ", count: first) + String(repeating: "=", count: length)
            + String(repeating: " ", count: Self.width - first - length)
    }

    private static func time(_ milliseconds: Double) -> String {
        let tenths = Int((milliseconds * 100).rounded())
        let rest = String(tenths % 100)
        return "\(tenths / 100).\(rest.count == 1 ? "0" : "")\(rest) ms"
    }

    private static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 }.prefix(120))
    }
}
