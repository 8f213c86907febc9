import Testing

@testable import Reactor

@Suite struct TimerQueueTests {
    private func at(_ n: UInt64) -> Deadline { Deadline(nanoseconds: n) }

    @Test func `timers fire in the order of their deadlines, ties in the order of adding`() {
        var queue = TimerQueue<Int>()
        for (work, time) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 40)] as [(Int, UInt64)] {
            _ = queue.add(work, at: at(time))
        }
        var fired: [Int] = []
        while let work = queue.popDue(at: at(30)) { fired.append(work) }
        #expect(fired == [2, 4, 3, 1])
        #expect(queue.nextDeadline() == at(40))
    }

    @Test func `a cancelled timer never fires and does not hide the next deadline`() {
        var queue = TimerQueue<Int>()
        let first = queue.add(1, at: at(10))
        _ = queue.add(2, at: at(20))
        queue.cancel(first)
        queue.cancel(first)
        #expect(queue.nextDeadline() == at(20))
        #expect(queue.popDue(at: at(15)) == nil)
        #expect(queue.popDue(at: at(20)) == 2)
        #expect(queue.count == 0)
    }

    @Test func `a hundred thousand cancellations leave no heap behind`() {
        var queue = TimerQueue<Int>()
        var largest = 0
        for number in 0..<100_000 {
            let id = queue.add(number, at: at(UInt64(1_000_000 - number)))
            queue.cancel(id)
            largest = max(largest, queue.entries)
        }
        #expect(largest <= 66)
    }

    @Test func `random adds and cancels agree with a sorted list`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            var queue = TimerQueue<Int>()
            var expected: [(UInt64, Int)] = []
            for work in 0..<200 {
                let time = UInt64.random(in: 0..<50, using: &generator)
                let id = queue.add(work, at: at(time))
                if Bool.random(using: &generator) {
                    queue.cancel(id)
                } else {
                    expected.append((time, work))
                }
            }
            var fired: [Int] = []
            while let work = queue.popDue(at: .never) { fired.append(work) }
            #expect(fired == expected.sorted { $0 < $1 }.map(\.1))
        }
    }
}
