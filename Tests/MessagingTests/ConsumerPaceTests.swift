import Postgres
import Testing

@testable import Messaging

@Suite struct ConsumerPaceTests {
    private static let poison = DatabaseError.decoding("broken")

    @Test func `a page that fails is halved until the event stands alone, then it is given up`() {
        var pace = ConsumerPace()
        var size = 500
        while size > 1 {
            #expect(pace.failed(Self.poison, events: size) == .wait(.zero))
            #expect(pace.limit == size / 2)
            size = pace.limit
        }
        var waits: [Duration] = []
        for _ in 1..<ConsumerPace.maxAttempts {
            guard case .wait(let wait) = pace.failed(Self.poison, events: 1) else { break }
            waits.append(wait)
        }
        #expect(waits == [100, 200, 400, 800].map { Duration.milliseconds($0) })
        #expect(
            pace.failed(Self.poison, events: 1) == .park(attempts: ConsumerPace.maxAttempts)
        )
        pace.succeeded()
        #expect(pace.limit == 2)
        for _ in 0..<10 { pace.succeeded() }
        #expect(pace.limit == ConsumerPace.maxLimit)
    }

    @Test func `less than a page is taken in the rhythm, a whole one at once`() {
        var pace = ConsumerPace()
        #expect(pace.applied(behind: 0) == ConsumerPace.rhythm)
        #expect(pace.applied(behind: Int64(ConsumerPace.maxLimit) - 1) == ConsumerPace.rhythm)
        #expect(pace.applied(behind: Int64(ConsumerPace.maxLimit)) == .zero)
        // What a page is shrinks with failures.
        _ = pace.failed(Self.poison, events: 500)
        #expect(pace.applied(behind: 250) == .zero)
    }

    @Test func `weather is waited for and never held against an event`() {
        var pace = ConsumerPace()
        for error: DatabaseError in [
            .unavailable(""), .cancelled, .overloaded, .serialization, .outcomeUnknown,
        ] {
            for _ in 0..<20 {
                guard case .wait(let wait) = pace.failed(error, events: 1) else {
                    Issue.record("\(error) parks an event")
                    return
                }
                #expect(wait <= ConsumerPace.maxWait)
            }
        }
        #expect(pace.limit == ConsumerPace.maxLimit)
    }
}
