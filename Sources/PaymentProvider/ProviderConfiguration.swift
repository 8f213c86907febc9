internal import ServiceKit

/// What the sandbox reads from its environment, beside what every service reads.
struct ProviderConfiguration: Sendable {
    /// What clients must present: `PROVIDER_KEY` or `PROVIDER_KEY_FILE`.
    let key: BearerKey
    /// Who is told of what happens: `WEBHOOK_URL` and `WEBHOOK_SECRET` or `WEBHOOK_SECRET_FILE`.
    let webhook: WebhookSender.Target?

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
        guard let url = environment.optional("WEBHOOK_URL") else {
            webhook = nil
            return
        }
        let signing = try environment.requiredSecret("WEBHOOK_SECRET", example: "whsec_…")
        guard let target = WebhookSender.Target(url: url, secret: signing) else {
            throw ConfigurationError(
                "WEBHOOK_URL",
                "is not of the form http://HOST:PORT/PATH, or its secret not 16 to 255 characters",
                example: "http://127.0.0.1:8080/webhooks/provider"
            )
        }
        webhook = target
    }
}
