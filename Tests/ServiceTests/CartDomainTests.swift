import Contracts
import HTTP
import Messaging
import Testing

@testable import OrderService

/// Numbers that depend on a seed alone (SplitMix64).
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

private let products = (0..<4).map { _ in ProductID.next() }

extension Cart {
    /// Any cart there can be, small so that everything collides with everything.
    fileprivate static func any(_ dice: inout Dice) -> Cart {
        var entries: [ProductID: Entry] = [:]
        for product in products where Bool.random(using: &dice) {
            let devices = ["a", "b", "c"]
            let stamp = CartStamp(
                .random(in: 1...6, using: &dice),
                devices[Int.random(in: 0..<3, using: &dice)]
            )
            entries[product] = Entry(quantity: .random(in: 0...2, using: &dice), stamp: stamp)
        }
        return Cart(entries, settled: .random(in: 0...6, using: &dice))
    }

    fileprivate func merged(_ other: Cart) -> Cart {
        var cart = self
        cart.merge(other)
        return cart
    }

    fileprivate var quantities: [ProductID: Int64] {
        Dictionary(uniqueKeysWithValues: lines.map { ($0.product, $0.entry.quantity) })
    }
}

@Suite struct `Carts that are changed apart` {
    private let kettle = ProductID.next()
    private let lamp = ProductID.next()

    @Test func `merge to the same in any order, in any grouping, any number of times`() {
        var dice = Dice(state: 1)
        for _ in 0..<20_000 {
            let (a, b, c) = (Cart.any(&dice), Cart.any(&dice), Cart.any(&dice))
            let laws = [
                a.merged(b) == b.merged(a),
                a.merged(b).merged(c) == a.merged(b.merged(c)),
                a.merged(a) == a,
                a.merged(b).merged(a) == a.merged(b),
            ]
            guard laws.allSatisfy(\.self) else {
                Issue.record("\(laws) for \(a), \(b), \(c)")
                return
            }
        }
    }

    /// A device that changes its own copy and now and then exchanges it with the shop's.
    private struct Device {
        let name: String
        var cart = Cart()
        var wall: Int64
    }

    @Test func `come to what was written last, whoever was away when`() {
        var dice = Dice(state: 2)
        for _ in 0..<500 {
            var shop = Cart()
            var devices = ["phone", "tablet", "shop"].enumerated().map {
                // Their clocks are not right, and not wrong alike.
                Device(name: $1, wall: Int64(1_000_000 + $0 * 3))
            }
            var last: [ProductID: Cart.Entry] = [:]
            for _ in 0..<60 {
                let index = Int.random(in: 0..<3, using: &dice)
                devices[index].wall += .random(in: 0...2, using: &dice)
                if Int.random(in: 0..<4, using: &dice) == 0 {
                    shop.merge(devices[index].cart)
                    devices[index].cart.merge(shop)
                    continue
                }
                let product = products[Int.random(in: 0..<4, using: &dice)]
                let device = devices[index]
                let stamp = device.cart.stamp(device.name, wall: device.wall)
                devices[index].cart.set(product, to: .random(in: 0...3, using: &dice), at: stamp)
                if let entry = devices[index].cart.entries[product], entry.stamp == stamp {
                    last[product] = max(last[product] ?? entry, entry)
                }
            }
            for device in devices { shop.merge(device.cart) }
            #expect(shop.quantities == last.mapValues(\.quantity).filter { $0.value > 0 })
        }
    }

    @Test func `a removal is forgotten in time, and what it removed never comes back`() {
        let day: Int64 = 24 * 3600 * 1000
        var shop = Cart()
        shop.set(kettle, to: 1, at: shop.stamp(wall: 100 * day))
        let away = shop
        shop.set(kettle, to: 0, at: shop.stamp(wall: 101 * day))
        shop.set(lamp, to: 2, at: shop.stamp(wall: 102 * day))
        shop.forget(wall: 130 * day)
        #expect(shop.removed.count == 1)
        shop.forget(wall: 132 * day)
        #expect(shop.removed.isEmpty)
        shop.merge(away)
        #expect(shop.quantities == [lamp: 2], "the removed line was brought back")
        // The lamp was written before what is settled, and is still there.
        #expect(away.merged(shop).quantities == [lamp: 2])
    }

    @Test func `what is written before everything is settled comes too late, and later counts`() {
        var shop = Cart([:], settled: 100)
        shop.merge(Cart([kettle: Cart.Entry(quantity: 1, stamp: CartStamp(100, "phone"))]))
        #expect(shop.lines.isEmpty)
        shop.merge(Cart([kettle: Cart.Entry(quantity: 1, stamp: CartStamp(101, "phone"))]))
        #expect(shop.quantities == [kettle: 1])
    }

    @Test func `the removals that are remembered are bounded, and the latest stay`() {
        var shop = Cart()
        for number in 0..<500 {
            let product = ProductID.next()
            shop.set(product, to: 1, at: shop.stamp(wall: Int64(number)))
            shop.set(product, to: 0, at: shop.stamp(wall: Int64(number)))
            shop.forget(wall: Int64(number))
            #expect(shop.entries.count <= Cart.maxRemoved)
        }
        #expect(shop.removed.count == Cart.maxRemoved)
        #expect(shop.removed.map(\.entry.stamp.reading).min() ?? 0 > shop.settled)
    }

    @Test func `a write now is later than all that was seen, even with a clock that is behind`() {
        var cart = Cart([:], settled: 7 << 16)
        #expect(cart.stamp(wall: 5).reading == 7 << 16 | 1)
        cart.merge(Cart([kettle: Cart.Entry(quantity: 1, stamp: CartStamp(9 << 16 | 4, "x"))]))
        #expect(cart.stamp(wall: 5).reading == 9 << 16 | 5)
        #expect(cart.stamp(wall: 20).reading == 20 << 16)
    }

    @Test func `taking out what is not there is no write`() {
        var cart = Cart()
        cart.set(kettle, to: 0, at: CartStamp(1, "x"))
        #expect(cart == Cart())
    }

    @Test func `stamps compare as their texts do, and read as they were written`() throws {
        var dice = Dice(state: 3)
        var stamps: [CartStamp] = []
        for _ in 0..<300 {
            let reading = Int64.random(in: 0...(.max), using: &dice)
            let bits = Int.random(in: 0..<63, using: &dice)
            let devices = ["a", "A-1", "b", "shop", "shop+", "0.z"]
            stamps.append(CartStamp(reading >> bits, devices[bits % devices.count]))
        }
        for stamp in stamps { #expect(CartStamp(stamp.description) == stamp) }
        let sorted = stamps.sorted().map(\.description)
        #expect(
            sorted
                == stamps.map(\.description).sorted {
                    Array($0.utf8).lexicographicallyPrecedes($1.utf8)
                }
        )
    }

    @Test(arguments: [
        "", "@", "019aa5b3c2d10003", "019aa5b3c2d10003@", "019aa5b3c2d1000@x",
        "019AA5B3C2D10003@x", "019aa5b3c2d10003@x@y", "019aa5b3c2d10003@x y", "-19aa5b3c2d10003@x",
        "f19aa5b3c2d10003@x", "019aa5b3c2d1000g@x", "019aa5b3c2d10003@ü",
        "019aa5b3c2d10003@" + String(repeating: "x", count: 65),
    ])
    func `what is no stamp is refused`(text: String) {
        #expect(CartStamp(text) == nil)
    }
}
