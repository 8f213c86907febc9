import HTTP
import Reactor
import Testing

@testable import Load

@Suite struct `What was counted` {
    @Test func `every duration falls into a bucket whose end is at most 0,1 percent above it`() {
        for exponent in 0..<39 {
            for step in 0..<130 {
                let value =
                    UInt64(1) << exponent + UInt64(step) * max(1, UInt64(1) << exponent / 128)
                let end = Latencies.upperEnd(of: Latencies.bucket(of: value))
                #expect(UInt64(end) >= value)
                #expect(Double(end) <= Double(value) * 1.001 + 1)
            }
        }
    }

    @Test func `percentiles are those of the sorted durations, to a bucket's width`() {
        var latencies = Latencies()
        for number in 1...10_000 { latencies.record(.microseconds(number)) }
        for share in [0.5, 0.9, 0.99, 1] {
            let found = latencies.percentile(share) / .microseconds(1)
            #expect(abs(found - 10_000 * share) <= 10_000 * share * 0.0011)
        }
        #expect(latencies.longest == .microseconds(10_000))
        #expect(Latencies().percentile(0.5) == .zero)
    }

    @Test func `no duration is too long or too short to be counted`() {
        var latencies = Latencies()
        latencies.record(.seconds(-1))
        latencies.record(.seconds(1 << 40))
        #expect(latencies.count == 2 && latencies.percentile(0.5) == .zero)
        #expect(latencies.percentile(1) <= .seconds(1 << 40))
    }

    @Test func `who waits long would have asked again meanwhile`() {
        var corrected = Latencies()
        corrected.record(.milliseconds(500), expecting: .milliseconds(100))
        corrected.record(.milliseconds(10), expecting: .milliseconds(100))
        var asked = Latencies()
        for wait in [500, 400, 300, 200, 100, 10] { asked.record(.milliseconds(wait)) }
        #expect(corrected == asked)
    }

    @Test func `adding two is counting both`() {
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

    @Test func `a window holds what came since the last look, the sum everything`() {
        let recorder = Recorder()
        recorder.record(.checkout, "201", .milliseconds(1))
        #expect(recorder.takeWindow().outcomes == ["201": 1])
        recorder.record(.browse, "200", .milliseconds(2))
        #expect(recorder.takeWindow().outcomes == ["200": 1])
        #expect(recorder.sum.outcomes == ["200": 1, "201": 1])
        #expect(recorder.begin(limit: 1) && !recorder.begin(limit: 1))
        #expect(recorder.inFlight == 1 && recorder.refused == 1)
    }

    @Test func `the report for scripts holds all scenarios together as its own members`() throws {
        let recorder = Recorder()
        for number in 1...10 { recorder.record(.checkout, "201", .milliseconds(number)) }
        recorder.record(.browse, "200", .milliseconds(50))
        let report = Report(recorder, [], took: .seconds(2))
        let json = try JSON.decode(JSONValue.self, from: Array(try report.json.utf8))
        #expect(json["requests"] == 11 && json["seconds"] == 2)
        #expect(json["confirmed_per_second"] == 5)
        #expect(json["scenarios"]?["checkout"]?["requests"] == 10)
        #expect(json["outcomes"]?["201"] == 10)
        #expect(report.rows.map(\.0) == ["browse", "checkout", "all"])
    }

    @Test func `the page loads nothing and names nothing unescaped`() {
        let recorder = Recorder()
        recorder.record(.checkout, "<201>", .milliseconds(5))
        let moment = Moment(recorder.takeWindow(), at: 1, took: 1, inFlight: 0, Gauges([]))
        let page = HTMLReport(Report(recorder, [moment, moment], took: .seconds(1))).text
        for word in ["http:", "https:", "src=", "<script", "url(", "<201>"] {
            #expect(!page.contains(word))
        }
        #expect(page.contains("&lt;201&gt;") && page.contains("<polyline"))
    }

    @Test(arguments: [(0, 1), (0.7, 1), (3, 5), (11, 20), (99, 100), (101, 200), (5000, 5000)])
    func `an axis ends at a round number`(value: Double, end: Double) {
        #expect(Chart.ceiling(value) == end)
    }
}

@Suite struct `When requests are due` {
    private func times(_ arrivals: Arrivals) -> [Double] {
        var arrivals = arrivals
        var times: [Double] = []
        while let time = arrivals.next() { times.append(time) }
        return times
    }

    @Test func `a constant rate is even`() {
        let times = times(Arrivals(.constant(50, seconds: 4)))
        #expect(times.count == 200)
        for (one, next) in zip(times, times.dropFirst()) { #expect(abs(next - one - 0.02) < 1e-9) }
    }

    @Test func `a ramp comes closer and closer`() {
        let times = times(Arrivals(.ramp(10, to: 90, seconds: 10)))
        #expect(times.count == 500)
        let firstHalf = times.count { $0 <= 5 + 1e-9 }
        #expect(firstHalf == 150)
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        for (one, next) in zip(gaps, gaps.dropFirst()) { #expect(next < one + 1e-9) }
        #expect(Arrivals(.ramp(90, to: 10, seconds: 10)).countBelow(5) == 350)
        #expect(Arrivals(.ramp(0, to: 10, seconds: 10)).countBelow(10) == 50)
    }

    @Test func `a spike is in the middle fifth`() {
        let arrivals = Arrivals(.spike(10, to: 200, seconds: 10))
        #expect(times(arrivals).count == 480)
        #expect(arrivals.countBelow(4) == 40 && arrivals.countBelow(6) == 440)
    }

    @Test func `independent arrivals keep the rate and forget the past`() {
        var random = SplitMix(state: 7)
        let draws = (0..<30_000).map { _ in Double.random(in: 0..<1, using: &random) }
        let turn = Counter()
        let times = times(
            Arrivals(poisson: .constant(100, seconds: 200)) { draws[turn.next() % draws.count] }
        )
        // Mean and variance of a Poisson distribution are the same.
        var perSecond = [Double](repeating: 0, count: 200)
        for time in times { perSecond[min(199, Int(time))] += 1 }
        let mean = perSecond.reduce(0, +) / 200
        let variance = perSecond.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 199
        #expect(abs(mean - 100) < 5)
        #expect((0.7...1.4).contains(variance / mean))
    }

    @Test func `scenarios come by their weights`() throws {
        let mix = try #require(Mix("browse=3,checkout=1"))
        let found = (0..<1000).map { mix.scenario(at: Double($0) / 1000) }
        #expect(found.count { $0 == .browse } == 750 && found.count { $0 == .checkout } == 250)
        #expect(mix.buys && mix.needsAccounts)
        #expect(!Mix(.search).buys && !Mix(.search).needsAccounts && Mix(.signIn).needsAccounts)
        #expect(Mix(.cart).buys && Mix(.cart).needsAccounts)
        for bad in ["", "browse", "browse=x", "basket=1", "browse=-1", "browse=0"] {
            #expect(Mix(bad) == nil)
        }
    }
}

@Suite struct `A visit to the cart` {
    @Test func `fills, changes, removes, merges and reads, each as the customer`() async throws {
        let requests = try CartVisit(
            headers: ["authorization": "Bearer x"],
            products: ["a", "b", "c"]
        ).requests()
        #expect(
            requests.map { "\($0.method) \($0.target)" } == [
                "PUT /cart/items/a", "PUT /cart/items/b", "PUT /cart/items/c", "PUT /cart/items/a",
                "DELETE /cart/items/c", "POST /cart/merge", "GET /cart",
            ]
        )
        for request in requests { #expect(request.headers["authorization"] == "Bearer x") }
        let held = try #require(requests.first { $0.method == .post })
        guard case .bytes(let bytes) = held.body else {
            Issue.record("the cart that is merged has no content")
            return
        }
        let line = try JSON.decode(JSONValue.self, from: bytes)["lines"]?.array?.first
        let stamp = try #require(line?["stamp"]?.string)
        let milliseconds = try #require(Int64(stamp.prefix(12), radix: 16))
        #expect(stamp.utf8.count == 16 + "@load".utf8.count)
        // A minute ago, so that whatever was put in since counts.
        #expect((50_000...70_000).contains(ProcessClock.milliseconds - milliseconds))
    }
}

extension Arrivals {
    fileprivate func countBelow(_ seconds: Double) -> Int {
        var arrivals = self
        var count = 0
        while let time = arrivals.next(), time <= seconds + 1e-9 { count += 1 }
        return count
    }
}

/// Counts calls; one task uses it.
private final class Counter: @unchecked Sendable {
    private var count = 0

    func next() -> Int {
        count += 1
        return count - 1
    }
}
