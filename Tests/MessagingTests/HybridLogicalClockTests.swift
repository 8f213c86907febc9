import Testing

@testable import Messaging

@Suite struct HybridLogicalClockTests {
    @Test func `readings follow the wall clock and never repeat within a millisecond`() {
        var clock = HybridLogicalClock()
        let first = clock.tick(wall: 1000)
        let second = clock.tick(wall: 1000)
        #expect(HybridLogicalClock.milliseconds(of: first) == 1000)
        #expect(second == first + 1)
        #expect(clock.tick(wall: 1001) > second)
    }

    @Test func `a wall clock that steps back does not take the readings along`() {
        var clock = HybridLogicalClock()
        let before = clock.tick(wall: 5000)
        #expect(clock.tick(wall: 10) > before)
    }

    @Test func `what follows a message is later than the message, however clocks differ`() {
        var ahead = HybridLogicalClock()
        var behind = HybridLogicalClock()
        let sent = ahead.tick(wall: 40_000)
        let believed = behind.receive(sent, wall: 1000)
        #expect(believed)
        #expect(behind.tick(wall: 1001) > sent)
    }

    @Test func `a reading from a mad clock is not believed`() {
        var clock = HybridLogicalClock()
        let mad = (1000 + HybridLogicalClock.maxDriftMilliseconds + 1) << 16
        let believed = clock.receive(mad, wall: 1000)
        #expect(!believed)
        #expect(clock.tick(wall: 1000) < mad)
    }

    @Test(arguments: [
        "", "1", "1-", "-1", "1-2-3", "a-1", "1--2", "+1-2", " 1-2", "99999999999999999999-1",
    ])
    func `only TRANSACTION-ROW is a cursor`(text: String) {
        #expect(FeedCursor(text) == nil)
    }

    @Test func `cursors order by transaction, then row`() {
        let cursor = FeedCursor(transaction: 7, row: 3)
        #expect(FeedCursor(cursor.description) == cursor)
        #expect(cursor < FeedCursor(transaction: 7, row: 4))
        #expect(FeedCursor(transaction: 7, row: 4) < FeedCursor(transaction: 8, row: 1))
    }
}
