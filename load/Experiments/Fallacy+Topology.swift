internal import HTTP
internal import Reactor

extension Fallacy {
    /// Instances leave, with a word and without, and join.
    static let stableTopology = Fallacy(number: 5, belief: "topology doesn't change") { stage in
        let topology = try Topology(stage)
        Terminal.say(
            """
            Fallacy 5: topology doesn't change.
            What will be done, under \(stage.options.rate ?? 0) checkouts a second: \(topology.victim.name) is killed, and \
            started again 8 s later; then \(topology.rolling.map(\.name).joined(separator: " and ")) are \
            replaced as for an upgrade.
            What is expected: not one checkout fails. Whoever called \(topology.victim.name) leaves it alone while it is \
            gone; when it is back, it comes to its share by and by within ten seconds.

            """
        )
        let walk = try await topology.run()
        Terminal.say("\n\(walk.text)\n\nThe books:")
        let adds = try await stage.verify()
        return stage.conclude(
            adds && walk.holds,
            "instances come and go, by accident and on purpose. Who is told to stop ends what it began; who dies is "
                + "found out by the first refused connection, and what it was asked is asked of another; who is new gets "
                + "little at first, because its caches are cold and its connections unmade."
        )
    }
}

/// Lets instances leave and join under load.
struct Topology: Sendable {
    let victim: Member
    /// Those that are replaced gently.
    let rolling: [Member]
    private let stage: Stage
    private let callers: [Member]
    private let instances: Int
    private static let pause = 2

    init(_ stage: Stage) throws {
        let products = stage.members(of: "product")
        guard products.count > 1, let victim = products.last, victim.listen != nil else {
            throw Shop.Failed(
                description: "this needs two product processes or more; start a full stack"
            )
        }
        rolling = ["payment", "order"].compactMap { service in
            let members = stage.members(of: service)
            return members.count > 1 ? members.last : nil
        }
        guard rolling.count == 2 else {
            throw Shop.Failed(
                description: "this needs two payment and two order processes; start a full stack"
            )
        }
        self.stage = stage
        self.victim = victim
        instances = products.count
        callers = stage.members(of: "order")
    }

    func run() async throws -> TopologyWalk {
        try await stage.whileBroken(undo: {
            // It is there unless the experiment was stopped in between.
            try? await stage.platform.act(.start, on: [victim])
        }) {
            try await EventLoop.sleep(for: .seconds(2))
            _ = stage.session.recorder.takeWindow()
        } during: {
            var walk = Walker(self)
            try await walk.watch(.before, for: 6)
            try await stage.platform.act(.kill, on: [victim])
            Terminal.say("        \(victim.name) is killed")
            try await walk.watch(.gone, for: 8)
            Terminal.say("        \(victim.name) is started again")
            try await walk.watchReturn {
                try await stage.platform.act(.start, on: [victim])
            }
            for member in rolling {
                try await stage.platform.act(.restart, on: [member])
                Terminal.say("        \(member.name) was replaced")
                try await walk.watch(.rolling, for: 4)
            }
            return walk.walk
        }
    }

    /// Looks, and remembers what it saw.
    private struct Walker {
        private let topology: Topology
        private let start = Deadline.now
        private var address: String
        private var before: Standing
        private(set) var walk: TopologyWalk

        init(_ topology: Topology) {
            self.topology = topology
            walk = TopologyWalk(callers: topology.callers.count)
            address = topology.victim.listen?.description ?? ""
            before = Standing([:], upstream: "product")
        }

        /// Looks while `start` goes on, until the instance has been asked again for 14 s, or for 40 s
        /// in vain.
        mutating func watchReturn(_ start: @escaping @Sendable () async throws -> Void) async throws
        {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await start() }
                let end = Deadline.after(.seconds(40))
                var looks = 0
                while looks < 14 / Topology.pause, !end.hasPassed {
                    try await watch(.back, for: Topology.pause)
                    let isAsked = walk.looks.last.map { $0.strangers < $0.callers } ?? false
                    looks += isAsked ? 1 : 0
                    if !isAsked { try await findAgain() }
                }
                try await group.waitForAll()
            }
        }

        /// A container that was started again may have another address.
        private mutating func findAgain() async throws {
            let members = try await topology.stage.platform.members()
            let found = members.first { $0.name == topology.victim.name }
            address = found?.listen?.description ?? address
        }

        mutating func watch(_ phase: TopologyWalk.Phase, for seconds: Int) async throws {
            if before.tries.isEmpty { before = await standing() }
            for _ in 0..<(seconds / Topology.pause) { try await look(phase) }
        }

        private mutating func look(_ phase: TopologyWalk.Phase) async throws {
            try await EventLoop.sleep(for: .seconds(Topology.pause))
            let now = await standing()
            let even = now.tries(since: before) / Double(topology.instances)
            let own = now.tries(since: before, at: address)
            let look = TopologyWalk.Look(
                phase: phase,
                second: Int((Deadline.now.nanoseconds - start.nanoseconds) / 1_000_000_000),
                share: even > 0 ? own / even : 0,
                strangers: now.strangers(to: address),
                callers: now.tries.count,
                outcomes: topology.stage.session.recorder.takeWindow().outcomes
            )
            before.take(now)
            walk.take(look)
            Terminal.say(look.line(topology.victim.name))
        }

        private func standing() async -> Standing {
            var texts: [String: String] = [:]
            for caller in topology.callers {
                // Who is being replaced has nothing to say.
                texts[caller.name] = try? await topology.stage.metrics(of: caller)
            }
            return Standing(texts, upstream: "product")
        }
    }
}
