import FoundationEssentials
import Reactor
import Testing

@Suite struct TimestampTests {
    @Test func `each millisecond is written as itself`() {
        for offset in 0..<20_000 {
            let milliseconds = 1_795_000_000_000 + Int64(offset) * 37
            let text = Timestamp.text(Date(timeIntervalSince1970: Double(milliseconds) / 1_000))
            let digits = "\(1_000 + milliseconds % 1_000)".dropFirst()
            #expect(text.hasSuffix(".\(digits)Z"), "\(milliseconds) is \(text)")
        }
        #expect(Timestamp.text(Date(timeIntervalSince1970: 0)) == "1970-01-01T00:00:00.000Z")
        #expect(Timestamp.text(Date(timeIntervalSince1970: -0.001)) == "1969-12-31T23:59:59.999Z")
    }

    @Test func `what a database keeps to the microsecond is written alike before and after`() {
        // PostgreSQL counts from 2000, Foundation from 2001.
        let shift = 31_622_400.0
        for offset in 0..<20_000 {
            let time = Date(timeIntervalSince1970: 1_795_000_000 + Double(offset) * 0.0371)
            let kept = ((time.timeIntervalSinceReferenceDate + shift) * 1_000_000).rounded()
            let read = Date(timeIntervalSinceReferenceDate: kept / 1_000_000 - shift)
            #expect(Timestamp.text(read) == Timestamp.text(time))
        }
    }
}
