import FoundationEssentials
import Testing

@testable import Contracts

@Suite struct IDTests {
    @Test func `an id of version 7 carries its time, version and variant`() {
        let uuid = UUIDv7.make(milliseconds: 0x0123_4567_89ab, random: (.max, .max))
        #expect(uuid.uuidString == "01234567-89AB-7FFF-BFFF-FFFFFFFFFFFF")
        let zero = UUIDv7.make(milliseconds: 0, random: (0, 0))
        #expect(zero.uuidString == "00000000-0000-7000-8000-000000000000")
    }

    @Test(arguments: [
        "", "01234567-89ab-7fff-bfff-fffffffffff", "01234567-89AB-7FFF-BFFF-FFFFFFFFFFFF",
        "{1234567-89ab-7fff-bfff-ffffffffffff}", "0123456789ab7fffbfffffffffffffffffff",
    ])
    func `only the canonical lower-case text is an id`(text: String) {
        #expect(OrderID(text) == nil)
    }

    @Test func `an id survives JSON, and later ones sort later`() throws {
        let first = OrderID(UUIDv7.make(milliseconds: 1, random: (.max, .max)))
        let second = OrderID(UUIDv7.make(milliseconds: 2, random: (0, 0)))
        #expect(first < second)
        let json = try JSONEncoder().encode([first])
        #expect(try JSONDecoder().decode([OrderID].self, from: json) == [first])
        #expect(OrderID(first.description) == first)
    }

    @Test func `texts and the order of ids are those of the bytes`() {
        for _ in 0..<500 {
            let (one, other) = (UUID(), UUID())
            #expect(one.canonical == one.uuidString.lowercased())
            #expect(UUID(canonical: one.canonical) == one)
            var text: [UInt8] = []
            text.append(addingCapacity: 36) { one.appendCanonical(to: &$0) }
            #expect(text == Array(one.canonical.utf8))
            #expect(UUID(canonical: one.uuidString + " ") == nil)
            #expect((OrderID(one) < OrderID(other)) == (one.uuidString < other.uuidString))
        }
    }

    @Test func `money prints as people write it and refuses to overflow`() {
        #expect(Money(cents: 1999).description == "19.99 USD")
        #expect(Money(cents: -5).description == "-0.05 USD")
        #expect(Money.price(of: 3, at: 1999) == 5997)
        #expect(Money.price(of: .max, at: 2) == nil)
    }
}
