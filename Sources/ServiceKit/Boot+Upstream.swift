public import Mesh

extension Boot {
    /// Another service, found where `UPSTREAM_NAME` says; its health is probed in the background.
    ///
    /// - Throws: `ConfigurationError` when the variable is missing or malformed.
    public func upstream(
        _ name: String,
        policy: MeshPolicy = MeshPolicy()
    ) throws(ConfigurationError) -> Upstream {
        let variable = "UPSTREAM_\(name.uppercased())"
        let example = "127.0.0.1:9001,127.0.0.1:9002"
        let text = try environment.required(variable, example: example)
        let endpoints: Endpoints
        do throws(Endpoints.Invalid) {
            endpoints = try Endpoints(text)
        } catch {
            throw ConfigurationError(variable, "is '\(text)': \(error)", example: example)
        }
        let upstream = Upstream(
            name: name,
            endpoints: endpoints,
            client: client,
            tls: clientTLS,
            policy: try policy.adjusted(by: environment).without(ablation),
            faults: faults,
            log: log,
            metrics: metrics
        )
        background("health of \(name)") { await upstream.run() }
        return upstream
    }
}
