extension Oracle {
    /// Compares what clients saw with the orders that there are.
    func judge(_ history: History) throws(StackError) -> [Finding] {
        HistoryJudge(history, try orders(of: history.customers)).findings
    }

    /// All orders of these customers.
    private func orders(of customers: Set<String>) throws(StackError) -> [StoredOrder] {
        var orders: [StoredOrder] = []
        let sorted = customers.sorted()
        for start in stride(from: 0, to: sorted.count, by: 1000) {
            let chunk = sorted[start..<min(start + 1000, sorted.count)]
            // Whoever read the history has made sure that these are UUIDs.
            let list = chunk.map { "'\($0)'" }.joined(separator: ",")
            let output = try psql.run(
                """
                SELECT id, customer_id, encode(convert_to(idempotency_key, 'UTF8'), 'hex') AS key, status
                  FROM orders WHERE customer_id IN (\(list));
                """,
                database: ServiceName.order.rawValue,
                within: .seconds(120)
            )
            guard let table = CSVTable(lines: output.split(separator: "\n")) else {
                throw .unavailable("database order gave no answer")
            }
            orders += table.rows.compactMap(Oracle.order)
        }
        return orders
    }

    /// A row of id, customer, key in hexadecimal, status.
    static func order(_ row: [String]) -> StoredOrder? {
        guard row.count == 4 else { return nil }
        return StoredOrder(
            id: row[0],
            ask: Ask(customer: row[1], key: text(row[2])),
            status: row[3]
        )
    }

    private static func text(_ hex: String) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(hex)
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
