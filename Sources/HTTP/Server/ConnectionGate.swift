internal import Reactor
internal import Synchronization

/// Counts the connections of a server, in all and by network, across its loops.
///
/// Taken once when a connection comes and once when it goes, never for a request.
final class ConnectionGate: Sendable {
    private struct Counts {
        var total = 0
        var networks: [SocketAddress: Int] = [:]
    }

    private let counts = Mutex(Counts())
    private let most: Int
    private let mostOfOne: Int

    init(_ limits: HTTPLimits) {
        most = limits.connections
        mostOfOne = limits.connectionsPerAddress
    }

    /// Lets a connection in, or not; one let in must `leave`.
    func enter(_ address: SocketAddress) -> Bool {
        let network = address.network
        return counts.withLock { counts in
            guard counts.total < most, counts.networks[network, default: 0] < mostOfOne else {
                return false
            }
            counts.total += 1
            counts.networks[network, default: 0] += 1
            return true
        }
    }

    func leave(_ address: SocketAddress) {
        let network = address.network
        counts.withLock { counts in
            counts.total -= 1
            let left = counts.networks[network, default: 1] - 1
            counts.networks[network] = left > 0 ? left : nil
        }
    }
}
