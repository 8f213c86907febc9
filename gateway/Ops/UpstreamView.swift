internal import HTTP
internal import Mesh

/// An upstream as operators see it: its instances, and what it is let have at once.
struct UpstreamView: Encodable {
    let calls: UpstreamSnapshot
    let shedding: SheddingView

    func encode(to encoder: any Encoder) throws {
        // One object: what the mesh knows of an upstream, and what this gateway does.
        try calls.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(shedding, forKey: .shedding)
    }

    private enum CodingKeys: String, CodingKey { case shedding }
}

/// A limit as it was found out, and by what.
struct SheddingView: Encodable {
    let limit: Int
    let inFlight: [String: Int]
    /// Since the routes came into force.
    let refused: [String: Int]
    /// The times of late over what they should be at most: above 1 the limit falls.
    let slowdown: Double
    let isProbing: Bool
    /// Milliseconds that routes take when little is going on.
    let calm: [String: Double]

    enum CodingKeys: String, CodingKey {
        case limit, refused, slowdown
        case inFlight = "in_flight"
        case isProbing = "probing"
        case calm = "calm_ms"
    }

    /// - Parameter routes: the upstream's, in the order of the file.
    init(_ state: ConcurrencyLimit, routes: [Route]) {
        limit = Int(state.limit)
        inFlight = state.inFlight.named
        refused = state.refused.named
        slowdown = Self.rounded(state.slowdown)
        isProbing = state.isProbing
        var calm: [String: Double] = [:]
        for (lane, seconds) in state.calmSeconds where routes.indices.contains(lane) {
            let methods = routes[lane].methods.map(\.description).joined(separator: ",")
            let path = routes[lane].templates.first ?? ""
            calm["\(methods) \(path)"] = Self.rounded(seconds * 1000)
        }
        self.calm = calm
    }

    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
