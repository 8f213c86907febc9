internal import Contracts
internal import HTTP
internal import Postgres
internal import ServiceKit

extension ProductRoutes {
    /// `POST /quotes`: what these lines cost today.
    func quote(_ request: Request) async throws(Problem) -> Response {
        let wanted = try await request.json(Lines.self)
        do throws(InvalidInput) { try Quoting.validate(wanted) } catch { throw error.bodyProblem }
        let known: [ProductID: QuotedProduct]
        do throws(DatabaseError) {
            known = try await prices.submit(wanted.lines.map(\.productID), key: nil)
        } catch {
            throw Problem(error)
        }
        do throws(UnknownProducts) {
            return .json(try Quoting.quote(wanted, known))
        } catch {
            throw error.problem
        }
    }
}

extension UnknownProducts {
    /// 422: these lines name products that are not in the catalog.
    var problem: Problem {
        Problem(
            .unprocessable,
            "unknown-product",
            detail: "a line names a product that is not in the catalog",
            errors: lines.map { line in
                Problem.Field(pointer: "/lines/\(line)/product_id", detail: "is not in the catalog")
            }
        )
    }
}
