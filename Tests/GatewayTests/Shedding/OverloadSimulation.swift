import Foundation

@testable import Gateway

/// Random numbers that are the same on every run.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func exponential(mean: Double) -> Double {
        -mean * log(Double.random(in: 1e-12...1, using: &self))
    }

    /// Log-normal with this mean; a sigma of 2 lets the hundredth part take a hundred times the median.
    mutating func heavy(mean: Double, sigma: Double) -> Double {
        let one = Double.random(in: 1e-12...1, using: &self)
        let two = Double.random(in: 0...1, using: &self)
        let normal = (-2 * log(one)).squareRoot() * cos(2 * .pi * two)
        return mean * exp(sigma * normal - sigma * sigma / 2)
    }
}

/// A machine that serves first come, first served, on a virtual clock.
struct Station: Sendable {
    /// How long the work of a request takes alone.
    enum Work: Sendable {
        case exponential
        case heavy(sigma: Double)
        /// As many at once as wait, up to so many: `setup` seconds and the work of each.
        case batches(of: Int, setup: Double)
    }

    var workers: Int
    var work: Work
    /// What every work is multiplied by, by the time of the clock.
    var slowness: @Sendable (Double) -> Double = { _ in 1 }
}

extension ConcurrencyLimit.Policy {
    /// For machines that do eight things at once: overload shows soon.
    static let small = {
        var policy = ConcurrencyLimit.Policy()
        policy.initial = 32
        policy.slack = .milliseconds(50)
        return policy
    }()
}

/// Requests arriving at random at a station, past limits, on a virtual clock.
final class OverloadSimulation {
    /// One kind of request.
    struct Flow {
        var priority: Priority
        var upstream = 0
        var lane = 0
        /// Mean seconds of work.
        var seconds: Double
        /// Requests a second, by the time of the clock.
        var rate: (Double) -> Double
    }

    private struct Job {
        let flow: Int
        let permit: ConcurrencyLimit.Permit
        let arrived: Double
    }

    let station: Station
    let flows: [Flow]
    private(set) var limits: [ConcurrencyLimit]
    private var precedence = Precedence()
    private var numbers = SeededNumbers(1)
    private var queue: [Job] = []
    private var queueHead = 0
    /// Work under way by its end, the earliest last.
    private var running: [(end: Double, jobs: [Job])] = []
    private var arrivals: [Double]
    private var now = 0.0

    /// When each flow's requests were refused, and when answered after how long.
    private(set) var refused: [[Double]]
    private(set) var answered: [[(at: Double, took: Double)]]
    private(set) var highestLimit = 0.0

    init(_ station: Station, _ flows: [Flow], policy: ConcurrencyLimit.Policy = .small) {
        self.station = station
        self.flows = flows
        let upstreams = (flows.map(\.upstream).max() ?? 0) + 1
        limits = Array(repeating: ConcurrencyLimit(policy: policy), count: upstreams)
        refused = Array(repeating: [], count: flows.count)
        answered = Array(repeating: [], count: flows.count)
        arrivals = Array(repeating: 0, count: flows.count)
        for index in flows.indices { arrivals[index] = nextArrival(index, after: 0) }
    }

    /// Lets time pass until so many seconds after the start.
    func run(until end: Double) {
        while true {
            let arrival = arrivals.indices.min { arrivals[$0] < arrivals[$1] } ?? 0
            let ending = running.last?.end ?? .infinity
            now = min(arrivals[arrival], ending)
            guard now < end else { return }
            if ending <= arrivals[arrival] { finish() } else { arrive(arrival) }
            begin()
            highestLimit = max(highestLimit, limits.map(\.limit).max() ?? 0)
        }
    }

    private var time: Duration { .nanoseconds(Int64(now * 1e9)) }

    private func nextArrival(_ flow: Int, after: Double) -> Double {
        let rate = flows[flow].rate(after)
        // Nothing comes now: look again soon.
        guard rate > 0 else { return after + 0.01 }
        return after + numbers.exponential(mean: 1 / rate)
    }

    private func arrive(_ index: Int) {
        let flow = flows[index]
        arrivals[index] = nextArrival(index, after: now)
        guard flow.rate(now) > 0 else { return }
        let yielding = precedence.share(of: flow.priority, at: time)
        guard
            let permit = limits[flow.upstream].enter(
                flow.priority,
                lane: flow.lane,
                yielding: yielding,
                at: time
            )
        else {
            precedence.refused(flow.priority, at: time)
            refused[index].append(now)
            return
        }
        queue.append(Job(flow: index, permit: permit, arrived: now))
    }

    private func begin() {
        while running.count < station.workers, queueHead < queue.count {
            var size = 1
            if case .batches(let most, _) = station.work {
                size = min(most, queue.count - queueHead)
            }
            let jobs = Array(queue[queueHead..<queueHead + size])
            queueHead += size
            if queueHead > 10_000 {
                queue.removeFirst(queueHead)
                queueHead = 0
            }
            let end = now + jobs.map(duration).reduce(0, +) + setup
            let place = running.firstIndex { $0.end <= end } ?? running.count
            running.insert((end, jobs), at: place)
        }
    }

    private var setup: Double {
        if case .batches(_, let setup) = station.work { setup } else { 0 }
    }

    private func duration(_ job: Job) -> Double {
        let mean = flows[job.flow].seconds * station.slowness(now)
        switch station.work {
        case .exponential, .batches: return numbers.exponential(mean: mean)
        case .heavy(let sigma): return numbers.heavy(mean: mean, sigma: sigma)
        }
    }

    private func finish() {
        guard let done = running.popLast() else { return }
        for job in done.jobs {
            let flow = flows[job.flow]
            limits[flow.upstream].leave(job.permit, isSample: true, at: time)
            answered[job.flow].append((now, now - job.arrived))
        }
    }

    // MARK: What came of it

    /// Requests of a flow answered a second within a span of time.
    func rate(_ flow: Int, _ span: ClosedRange<Double>) -> Double {
        Double(answered[flow].count { span.contains($0.at) })
            / (span.upperBound - span.lowerBound)
    }

    func refusals(_ flow: Int, _ span: ClosedRange<Double>) -> Int {
        refused[flow].count { span.contains($0) }
    }

    /// The time that this share of a flow's answers stayed below.
    func latency(_ flow: Int, _ share: Double, _ span: ClosedRange<Double>) -> Double {
        let times = answered[flow].filter { span.contains($0.at) }.map(\.took).sorted()
        return times.isEmpty ? .infinity : times[Int(Double(times.count - 1) * share)]
    }
}
