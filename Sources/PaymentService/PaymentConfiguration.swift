internal import ServiceKit

/// What the payment service reads from its environment, beside what every service reads.
struct PaymentConfiguration: Sendable {
    /// Where the provider is: `PROVIDER_URL`.
    let provider: ProviderEndpoint
    /// What opens it: `PROVIDER_KEY` or `PROVIDER_KEY_FILE`.
    let key: ProviderKey
    /// How often stuck voids are looked for: `RECONCILE_INTERVAL`.
    let reconcileInterval: Duration

    /// Reads and checks the variables.
    init(_ environment: Environment) throws(ConfigurationError) {
        let url = try environment.required("PROVIDER_URL", example: "http://127.0.0.1:12111")
        guard let provider = ProviderEndpoint(url: url) else {
            // The value is not repeated: somebody may have put a password into it.
            throw ConfigurationError(
                "PROVIDER_URL",
                "is not of the form http://HOST:PORT",
                example: "http://127.0.0.1:12111"
            )
        }
        let secret = try environment.requiredSecret("PROVIDER_KEY", example: "sk_test_…")
        guard let key = ProviderKey(secret) else {
            throw ConfigurationError(
                "PROVIDER_KEY",
                "is not 8 to 255 printable ASCII characters",
                example: "sk_test_…"
            )
        }
        self.provider = provider
        self.key = key
        reconcileInterval = try environment.duration("RECONCILE_INTERVAL", default: .seconds(60))
    }
}
