internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// `PUT /reservations/{order_id}`: holds all lines of an order, or none.
    ///
    /// Asked again, it answers the same.
    func reserve(_ request: Request) async throws(Problem) -> Response {
        let order = try request.parameter("order_id", as: OrderID.self)
        let wanted = try await request.json(Lines.self)
        let lines: ReservationLines
        do throws(InvalidInput) {
            lines = try ReservationLines(wanted)
        } catch {
            throw error.bodyProblem
        }
        switch try await take(lines, for: order) {
        case .held: return .json(ReservationReceipt(orderID: order, status: "held"))
        case .short(let lines): throw .outOfStock(lines)
        case .released: throw .reservationReleased
        case .mismatch: throw .reservationMismatch
        }
    }

    private func take(
        _ lines: ReservationLines,
        for order: OrderID
    ) async throws(Problem) -> ReservationOutcome {
        do throws(DatabaseError) {
            return try await reservations.submit(
                WantedReservation(order: order, lines: lines),
                key: order
            )
        } catch {
            throw Problem(error)
        }
    }
}

extension Problem {
    /// 409: these lines could not be had in full, and for this order that is final.
    static func outOfStock(_ lines: [ShortLine]) -> Problem {
        let short = lines.map { line -> JSONValue in
            [
                "product_id": .string(line.productID.description),
                "requested": .integer(line.requested), "available": .integer(line.available),
            ]
        }
        return Problem(
            .conflict,
            "out-of-stock",
            detail: lines.count == 1
                ? "one line is not in stock in full"
                : "\(lines.count) lines are not in stock in full",
            members: ["short": .array(short)]
        )
    }

    /// 409: the order gave its stock back, or said that it wants none, before this was asked.
    static var reservationReleased: Problem {
        Problem(
            .conflict,
            "reservation-released",
            detail: "this order's reservation was released and cannot be held again"
        )
    }

    /// 422: the order asked for other lines before.
    static var reservationMismatch: Problem {
        Problem(
            .unprocessable,
            "reservation-mismatch",
            detail: "this order was reserved with other lines"
        )
    }
}
