internal import ServiceKit

/// What the sandbox reads from its environment, beside what every service reads.
struct ProviderConfiguration: Sendable {
    /// What clients must present: `PROVIDER_KEY` or `PROVIDER_KEY_FILE`.
    let key: BearerKey

    /// Reads and checks the variables.
    init(_ environment: Environment) throws(ConfigurationError) {
        let secret = try environment.requiredSecret("PROVIDER_KEY", example: "sk_test_…")
        guard let key = BearerKey(secret) else {
            throw ConfigurationError(
                "PROVIDER_KEY",
                "is not 8 to 255 printable ASCII characters",
                example: "sk_test_…"
            )
        }
        self.key = key
    }
}
