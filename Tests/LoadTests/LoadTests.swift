import Reactor
import Testing

@testable import Load

@Suite struct LoadTests {
    @Test func `every duration falls into a bucket whose end is at most 1,6 percent above it`() {
        for exponent in 0..<38 {
            for step in 0..<130 {
                let value =
                    UInt64(1) << exponent + UInt64(step) * max(1, UInt64(1) << exponent / 128)
                let end = Latencies.upperEnd(of: Latencies.bucket(of: value))
                #expect(UInt64(end) >= value)
                #expect(Double(end) <= Double(value) * 1.016 + 1)
            }
        }
    }

    @Test func `percentiles are those of the sorted durations, to a bucket's width`() {
        var latencies = Latencies()
        for number in 1...10_000 { latencies.record(.microseconds(number)) }
        for share in [0.5, 0.9, 0.99, 1] {
            let found = latencies.percentile(share) / .microseconds(1)
            #expect(abs(found - 10_000 * share) <= 10_000 * share * 0.017)
        }
        #expect(latencies.longest == .microseconds(10_000))
        #expect(Latencies().percentile(0.5) == .zero)
    }

    @Test func `customers share a pace evenly`() {
        let start = Deadline(nanoseconds: 1_000_000_000)
        var due: [UInt64] = []
        for number in 0..<8 {
            let pace = Pace(rate: 100, number, of: 8, from: start)
            for turn in 0..<25 {
                due.append(pace.first.advanced(by: pace.interval * turn).nanoseconds)
            }
        }
        due.sort()
        #expect(due.first == start.nanoseconds)
        for (one, next) in zip(due, due.dropFirst()) { #expect(next - one == 10_000_000) }
    }

    @Test func `a pace, one product, few accounts and short orders can be asked for`() throws {
        let words = "checkout --rate 250 --hot --accounts 4 --lines 1 --json".split(separator: " ")
        let options = try #require(try Options.parse(words.map(String.init)))
        #expect(options.rate == 250 && options.wantsOneProduct)
        #expect(options.accounts == 4 && options.lines == 1 && options.printsJSON)
        for bad in [["--rate", "0"], ["--lines", "11"], ["--accounts", "many"], ["--rate"]] {
            #expect(throws: Options.Invalid.self) { try Options.parse(["checkout"] + bad) }
        }
    }

    @Test func `adding two tallies is counting both`() {
        var left = Latencies()
        var right = Latencies()
        var both = Latencies()
        for number in 0..<1000 {
            let duration = Duration.microseconds(number * number)
            if number.isMultiple(of: 3) { left.record(duration) } else { right.record(duration) }
            both.record(duration)
        }
        left.add(right)
        #expect(left == both)
    }

    @Test func `the command line is read as the help says`() throws {
        let options = try Options.parse(
            [
                "checkout", "--url", "http://localhost:9090", "--users", "3", "--seconds", "4",
                "--json",
            ])
        #expect(options?.host == "127.0.0.1" && options?.port == 9090)
        #expect(options?.users == 3 && options?.seconds == 4 && options?.printsJSON == true)
        #expect(try Options.parse([]) == nil)
    }

    @Test(arguments: [
        ["browse"], ["checkout", "--users"], ["checkout", "--users", "0"],
        ["checkout", "--what", "1"],
        ["checkout", "--url", "http://example.com:80"],
        ["checkout", "--url", "http://10.0.0.1:80"],
        ["checkout", "--url", "https://127.0.0.1:80"],
    ])
    func `other words are refused, other machines above all`(words: [String]) {
        #expect(throws: Options.Invalid.self) { try Options.parse(words) }
    }
}
