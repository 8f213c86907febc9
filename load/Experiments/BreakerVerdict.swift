/// Follows the walk of the breakers, look by look, and says what to do next.
struct BreakerVerdict: Sendable, Equatable {
    enum Phase: Sendable, Equatable { case closed, opening, open, probing, closedAgain }

    enum Action: Sendable, Equatable { case none, breakPayment, mendPayment }

    private(set) var phase = Phase.closed
    private(set) var callsUntilOpen = 0
    private(set) var callsWhileOpen = 0
    private(set) var callsToClose = 0
    /// Looks during which every breaker was open from the one before on.
    private(set) var looksWhileOpen = 0
    private(set) var opened: Double?
    private(set) var halfOpened: Double?
    private(set) var closed: Double?
    private var broke = 0.0

    /// Whether the walk went as it should.
    var holds: Bool { phase == .closedAgain && callsWhileOpen == 0 && looksWhileOpen > 0 }

    /// Learns from a look.
    mutating func take(_ look: BreakerWalk.Look) -> Action {
        let breakers = look.breakers
        let areAllOpen = breakers.open > 0 && breakers.closed == 0 && breakers.halfOpen == 0
        switch phase {
        case .closed:
            phase = .opening
            broke = look.second
            return .breakPayment
        case .opening:
            callsUntilOpen += look.calls
            guard areAllOpen else { return .none }
            phase = .open
            opened = look.second
            return .mendPayment
        case .open:
            guard areAllOpen else {
                phase = .probing
                halfOpened = look.second
                return take(look)
            }
            looksWhileOpen += 1
            callsWhileOpen += look.calls
        case .probing:
            callsToClose += look.calls
            guard breakers.open == 0, breakers.halfOpen == 0, breakers.closed > 0 else {
                return .none
            }
            phase = .closedAgain
            closed = look.second
        case .closedAgain: break
        }
        return .none
    }

    /// The walk in a few lines.
    var text: String {
        guard let opened else { return "the breakers never were all open" }
        var lines = [
            "closed -> open       \(Self.seconds(opened - broke)) after payment began to fail, \(callsUntilOpen) calls"
        ]
        if let halfOpened {
            lines.append(
                "open -> half-open    \(Self.seconds(halfOpened - opened)) after the last one opened, \(callsWhileOpen) calls reached payment"
            )
        }
        if let halfOpened, let closed {
            lines.append(
                "half-open -> closed  \(Self.seconds(closed - halfOpened)) after the first probe, \(callsToClose) calls"
            )
        } else {
            lines.append("they did not all close again")
        }
        return lines.joined(separator: "\n")
    }

    private static func seconds(_ number: Double) -> String {
        "\((number * 10).rounded() / 10) s"
    }
}
