extension Invariant {
    /// Every piece that was delivered is on the shelf or held for an order, product by product.
    static let stockConserved = Invariant(
        name: "deliveries = available + held",
        reads: [
            .product: """
            SELECT coalesce(sum(delivered), 0) AS delivered, coalesce(sum(available), 0) AS available,
                   coalesce(sum(held), 0) AS held, count(*) AS products,
                   count(*) FILTER (WHERE delivered <> available + held OR available < 0) AS wrong
              FROM (
                SELECT product_id, sum(delivered) AS delivered, sum(available) AS available,
                       sum(held) AS held
                  FROM (
                    SELECT product_id, quantity AS delivered, 0 AS available, 0 AS held
                      FROM stock_movements
                    UNION ALL SELECT product_id, 0, available, 0 FROM stock
                    UNION ALL SELECT product_id, 0, 0, quantity
                      FROM reservation_lines JOIN reservations USING (order_id)
                     WHERE status = 'held') AS every_piece
                 GROUP BY product_id) AS per_product
            """
        ],
        holds: { found in
            let delivered = found.figure(.product, "delivered")
            let available = found.figure(.product, "available")
            let held = found.figure(.product, "held")
            let wrong = found.figure(.product, "wrong")
            let products = found.figure(.product, "products")
            return Verdict(
                wrong == 0 && delivered == available + held,
                "\(delivered) = \(available) + \(held), \(wrong) of \(products) products off"
            )
        }
    )
}
