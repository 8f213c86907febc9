internal import Contracts
internal import FoundationEssentials
internal import HTTP
internal import Messaging

/// A cart as clients see it, and as they send it to be merged.
struct CartDocument: Sendable, Codable {
    struct Line: Sendable, Codable {
        let productID: ProductID
        let quantity: Int64
        let stamp: String

        enum CodingKeys: String, CodingKey {
            case quantity, stamp
            case productID = "product_id"
        }
    }

    struct Removal: Sendable, Codable {
        let productID: ProductID
        let stamp: String

        enum CodingKeys: String, CodingKey {
            case stamp
            case productID = "product_id"
        }
    }

    let lines: [Line]
    /// What was taken out, for those who merge: it beats a line with an earlier stamp.
    let removed: [Removal]?
    /// Up to which reading all has arrived: a line with an earlier stamp that is not here is gone.
    ///
    /// What a client says about it is not believed: the shop alone decides what comes too late.
    let settled: String?

    init(_ cart: Cart) {
        lines = cart.lines.map {
            Line(
                productID: $0.product,
                quantity: $0.entry.quantity,
                stamp: $0.entry.stamp.description
            )
        }
        removed = cart.removed.map {
            Removal(productID: $0.product, stamp: $0.entry.stamp.description)
        }
        settled = CartStamp.text(of: cart.settled)
    }

    /// What a client holds, as something to merge; `known` is what the shop holds.
    ///
    /// - Parameter wall: milliseconds since 1970, as this machine believes.
    /// - Throws: a 422 problem that names every field that is wrong.
    func changes(to known: Cart, wall: Int64) throws(Problem) -> Cart {
        let most = Cart.maxLines + Cart.maxRemoved
        guard lines.count + (removed?.count ?? 0) <= most else {
            throw .invalid("/lines", "are, with those removed, more than \(most)")
        }
        // What the shop knows already has been believed before, perhaps by a clock that was ahead.
        let drift = HybridLogicalClock.maxDriftMilliseconds
        let newest = max(known.latest, (wall + drift) << 16 | 0xffff)
        var errors: [Problem.Field] = []
        var entries: [ProductID: Cart.Entry] = [:]
        func take(_ product: ProductID, _ quantity: Int64, _ text: String, at pointer: String) {
            guard let stamp = CartStamp(text) else {
                errors.append(Self.malformed(pointer))
                return
            }
            guard stamp.reading <= newest else {
                errors.append(Self.ahead(pointer))
                return
            }
            let entry = Cart.Entry(quantity: quantity, stamp: stamp)
            entries[product] = max(entries[product] ?? entry, entry)
        }
        for (index, line) in lines.enumerated() {
            errors += Self.errors(in: line.quantity, at: "/lines/\(index)/quantity")
            take(line.productID, line.quantity, line.stamp, at: "/lines/\(index)/stamp")
        }
        for (index, removal) in (removed ?? []).enumerated() {
            take(removal.productID, 0, removal.stamp, at: "/removed/\(index)/stamp")
        }
        guard errors.isEmpty else { throw .invalid(errors) }
        return Cart(entries)
    }

    private static func malformed(_ pointer: String) -> Problem.Field {
        Problem.Field(
            pointer: pointer,
            detail:
                "must be 12 hexadecimal digits of milliseconds since 1970, 4 of a counter, @ and "
                + "the device's name, like 019aa5b3c2d10000@phone-1"
        )
    }

    private static func ahead(_ pointer: String) -> Problem.Field {
        let seconds = HybridLogicalClock.maxDriftMilliseconds / 1000
        return Problem.Field(
            pointer: pointer,
            detail: "is more than \(seconds) s ahead of the shop's clock"
        )
    }

    /// What is wrong with a quantity.
    static func errors(in quantity: Int64, at pointer: String) -> [Problem.Field] {
        guard !(1...Cart.maxQuantity).contains(quantity) else { return [] }
        return [
            Problem.Field(
                pointer: pointer,
                detail: "is \(quantity), not from 1 to \(Cart.maxQuantity)"
            )
        ]
    }
}
