/// What the callers of a service know of its instances.
struct Standing: Sendable, Equatable {
    /// Tries so far, by caller and instance.
    var tries: [String: [String: Double]] = [:]
    /// Callers that an instance is out at.
    var out: [String: Set<String>] = [:]

    /// Reads what callers say of themselves.
    ///
    /// - Parameter texts: `/metrics` by the caller's name.
    init(_ texts: [String: String], upstream: String) {
        for (caller, text) in texts {
            for sample in MetricsText.samples(text) where sample.labels["upstream"] == upstream {
                guard let instance = sample.labels["instance"] else { continue }
                switch sample.name {
                case "mesh_instance_tries_total":
                    tries[caller, default: [:]][instance] = sample.value
                case "mesh_instance_out" where sample.value > 0:
                    out[instance, default: []].insert(caller)
                default: break
                }
            }
        }
    }

    /// Learns from a later look; of callers that say nothing in it, what they said before is kept.
    mutating func take(_ later: Standing) {
        tries.merge(later.tries) { $1 }
        out = later.out
    }

    /// Callers that do not ask an instance: it is out, or they no longer know of it.
    func strangers(to instance: String) -> Int {
        tries.count { caller, known in
            known[instance] == nil || out[instance]?.contains(caller) == true
        }
    }

    /// Tries since an earlier look, at one instance or at all; a caller that began anew counts from
    /// nothing.
    func tries(since before: Standing, at instance: String? = nil) -> Double {
        var sum = 0.0
        for (caller, known) in tries {
            for (name, count) in known where instance == nil || instance == name {
                let old = before.tries[caller]?[name] ?? 0
                sum += count >= old ? count - old : count
            }
        }
        return sum
    }
}

/// Follows an instance that leaves without a word and joins again.
struct TopologyWalk: Sendable, Equatable {
    enum Phase: Sendable, Equatable { case before, gone, back, rolling }

    /// What one look showed.
    struct Look: Sendable, Equatable {
        var phase: Phase
        var second: Int
        /// Tries at the instance, in even shares: 1 is as many as the others get.
        var share: Double
        /// Callers that do not ask it, of how many that said something.
        var strangers: Int
        var callers: Int
        var outcomes: [String: Int]

        func line(_ name: String) -> String {
            Figure.padded("\(second) s", 6) + "  \(name): "
                + Figure.padded("\(Int((share * 100).rounded()))%", 4)
                + " of an even share, out at "
                + "\(strangers) of \(callers) callers   \(Figure.mix(outcomes))"
        }
    }

    /// How many callers there are.
    let callers: Int
    private(set) var looks: [Look] = []

    init(callers: Int) { self.callers = callers }

    mutating func take(_ look: Look) { looks.append(look) }

    /// Answers that are neither a confirmed order nor the promise of one.
    var failures: Int {
        looks.flatMap(\.outcomes).filter { $0.key != "201" && $0.key != "202" }
            .reduce(0) { $0 + $1.value }
    }

    /// Whether it was left alone while it was gone, once its callers had found out: by what all of them said
    /// when all of them last did.
    var wasLeftAlone: Bool {
        let last = looks.last { $0.phase == .gone && $0.callers == callers }
        guard callers > 0, let last else { return false }
        return last.strangers == last.callers && last.share < 0.05
    }

    /// Its share in the first looks behind its return, and in the last.
    var shares: (first: Double, last: Double) {
        let back = looks.filter { $0.phase == .back && $0.strangers < $0.callers }.map(\.share)
        func mean(_ shares: ArraySlice<Double>) -> Double {
            shares.reduce(0, +) / Double(max(1, shares.count))
        }
        return (mean(back.prefix(2)), mean(back.suffix(2)))
    }

    /// Whether it came to its share by and by.
    var startedSlowly: Bool {
        let (first, last) = shares
        return last >= 0.5 && first < last * 0.75
    }

    var holds: Bool { failures == 0 && wasLeftAlone && startedSlowly }

    /// The walk in a few lines.
    var text: String {
        let answers = looks.flatMap(\.outcomes).reduce(0) { $0 + $1.value }
        let (first, last) = shares
        func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }
        return """
            \(answers) checkouts, \(failures) of them failed
            while it was gone it was \(wasLeftAlone ? "" : "not ")left alone by all callers
            when it was back it had \(percent(first)) of an even share in the first 4 s, \(percent(last)) in the last 4
            """
    }
}
