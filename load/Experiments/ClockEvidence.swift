internal import FoundationEssentials
internal import HTTP

/// What one customer saw of a platform whose clocks disagree.
struct ClockEvidence: Sendable, Equatable {
    /// An order as the shop showed it, with the times that its processes believed in.
    struct Document: Sendable, Equatable {
        let id: String
        let createdAt: Date
        let updatedAt: Date

        init(id: String, createdAt: Date, updatedAt: Date) {
            self.id = id
            self.createdAt = createdAt
            self.updatedAt = updatedAt
        }

        /// Reads an answer; nil when it is no order.
        init?(_ body: JSONValue?) {
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            guard let id = body?["id"]?.string, let created = body?["created_at"]?.string,
                let updated = body?["updated_at"]?.string,
                let createdAt = try? style.parse(created),
                let updatedAt = try? style.parse(updated)
            else { return nil }
            self.init(id: id, createdAt: createdAt, updatedAt: updatedAt)
        }
    }

    /// Tokens that were used, and what they were worth.
    struct Tokens: Sendable, Equatable {
        var used = 0
        var accepted = 0
        /// Those that were told 401; an overload refuses no token.
        var refused = 0

        /// Counts what a token was answered.
        mutating func take(_ status: Int?) {
            used += 1
            accepted += status == 200 ? 1 : 0
            refused += status == 401 ? 1 : 0
        }

        var areGood: Bool { used > 0 && accepted == used }
        var areRefused: Bool { used > 0 && refused == used }

        var text: String {
            let open = used - accepted - refused
            return "\(accepted) of \(used)" + (open > 0 ? " (and of \(open) nobody knows)" : "")
        }
    }

    /// How many orders the customer meant to place.
    var meant = 0
    /// Each confirmed before the next was placed.
    var placed: [Document] = []
    /// Those that were cancelled, as they were then.
    var cancelled: [Document] = []
    /// Ids of confirmed orders, in the order in which the customer was told.
    var told: [String] = []
    /// What the feed holds of these orders, in its order; nil where it cannot be read.
    var events: [EventReader.Event]?
    /// With signers and verifiers within what is tolerated.
    var tokens = Tokens()
    /// With a gateway far beyond that.
    var madTokens = Tokens()
    var tokensAfterwards = Tokens()
    /// Sagas that were taken over from their drivers meanwhile.
    var adopted = 0

    /// Orders that bear an earlier time than the one before them.
    var backwardsByClock: Int {
        zip(placed, placed.dropFirst()).count { $1.createdAt < $0.createdAt }
    }

    /// How far the worst of them goes back.
    var farthestSeconds: Double {
        zip(placed, placed.dropFirst())
            .map { $0.createdAt.timeIntervalSince($1.createdAt) }.max() ?? 0
    }

    /// Cancellations that bear an earlier time than the order itself.
    var cancelledBeforePlaced: Int { cancelled.count { $0.updatedAt < $0.createdAt } }

    /// Orders that were told before the one before them.
    var backwardsByFeed: Int {
        let places = Dictionary(told.enumerated().map { ($1, $0) }) { first, _ in first }
        let order = placed.compactMap { places[$0.id] }
        return zip(order, order.dropFirst()).count { $1 < $0 }
    }

    /// Orders that were not told, or more than once.
    var mistold: Int {
        let times = Dictionary(told.map { ($0, 1) }, uniquingKeysWith: +)
        return placed.count { times[$0.id] != 1 }
    }

    /// Events of one order whose number is lower than that of one before them in the feed.
    var backwardsBySequence: Int { backwards { $0.sequence } }

    /// Events of one order whose hybrid clock is behind that of one before them.
    var backwardsByHybridClock: Int { backwards { Int($0.hlc) } }

    private func backwards(_ reading: (EventReader.Event) -> Int) -> Int {
        Dictionary(grouping: events ?? [], by: \.subject).values.reduce(0) { sum, events in
            sum + zip(events, events.dropFirst()).count { reading($1) < reading($0) }
        }
    }

    /// Whether there are events of each order that was placed; true where none can be read.
    var areFound: Bool {
        events.map { Set($0.map(\.subject)).isSuperset(of: placed.map(\.id)) } ?? true
    }

    /// Whether there is enough to say anything.
    private var isEnough: Bool { placed.count > 1 && placed.count * 2 >= meant && areFound }

    /// Whether a cancellation bears a time before its order's is a matter of who cancels: it may, and proves
    /// nothing if none does.
    var isAsExpected: Bool {
        isEnough && backwardsByClock > 0 && backwardsByFeed == 0 && mistold == 0
            && tokens.areGood && madTokens.areRefused && tokensAfterwards.areGood
            && adopted == 0 && backwardsBySequence == 0
    }

    private var eventsText: String {
        guard let events else { return "  events: only a stack lets them be read here" }
        return """
              \(events.count) events of these orders, order by order:
                by their numbers           \(backwardsBySequence) come before the one before them
                by their hybrid clocks     \(backwardsByHybridClock) do: replicas that share a database and no \
            message never hear of each other's clocks
            """
    }

    /// The figures.
    var text: String {
        """
          \(placed.count) orders, one after the other:
            by the time they bear     \(backwardsByClock) come before the one before them, by up to \
        \((farthestSeconds * 10).rounded() / 10) s
            in the order of the feed  \(backwardsByFeed) do, and \(mistold) were not told once
          \(cancelled.count) cancellations: \(cancelledBeforePlaced) bear a time before their order's
        \(eventsText)
          tokens: \(tokens.text) accepted; with the gateway an hour ahead \
        \(madTokens.text); afterwards \(tokensAfterwards.text)
          sagas taken from a driver that was alive: \(adopted)
        """
    }
}
