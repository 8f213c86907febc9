internal import Reactor
internal import ServiceKit

/// What the payment service reads from its environment, beside what every service reads.
struct PaymentConfiguration: Sendable {
    /// Where the provider is: `PROVIDER_URL`.
    let provider: ProviderEndpoint
    /// What opens it: `PROVIDER_KEY` or `PROVIDER_KEY_FILE`.
    let key: ProviderKey
    /// The certificates that the provider's must come from: `PROVIDER_CA`; nil for the system's.
    let providerCA: String?
    /// How many calls to the provider may be in flight: `PROVIDER_MAX_IN_FLIGHT`.
    let providerLimit: Int
    /// How long the breaker before the provider stays open: `PROVIDER_BREAKER_OPEN`.
    let breakerOpen: Duration
    /// What the provider signs its webhooks with: `WEBHOOK_SECRET` or `WEBHOOK_SECRET_FILE`; without
    /// it none are taken.
    let webhookSecret: WebhookSecret?
    /// How often stuck voids are looked for and the provider's records compared with ours:
    /// `RECONCILE_INTERVAL`.
    let reconcileInterval: Duration

    /// Reads and checks the variables.
    init(_ environment: Environment) throws(ConfigurationError) {
        let url = try environment.required("PROVIDER_URL", example: "http://127.0.0.1:12111")
        guard let provider = ProviderEndpoint(url: url) else {
            // The value is not repeated: somebody may have put a password into it.
            throw ConfigurationError(
                "PROVIDER_URL",
                "is not of the form https://HOST or http://HOST:PORT",
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
        providerCA = environment.optional("PROVIDER_CA")
        providerLimit = try environment.integer(
            "PROVIDER_MAX_IN_FLIGHT",
            in: 1...4096,
            default: 128
        )
        breakerOpen = try environment.duration("PROVIDER_BREAKER_OPEN", default: .seconds(30))
        webhookSecret = try environment.secret("WEBHOOK_SECRET").map {
            text throws(ConfigurationError) in
            guard let secret = WebhookSecret(text) else {
                throw ConfigurationError(
                    "WEBHOOK_SECRET",
                    "is not 16 to 255 printable ASCII characters",
                    example: "whsec_…"
                )
            }
            return secret
        }
        reconcileInterval = try environment.duration("RECONCILE_INTERVAL", default: .seconds(60))
    }
}

extension PaymentConfiguration {
    /// Whom to trust when the provider is reached over TLS; nil where it is not.
    func providerTLS() throws(ConfigurationError) -> TLSContext? {
        guard provider.isSecure else { return nil }
        let files = TLSConfiguration(
            certificateFile: nil,
            keyFile: nil,
            caFile: providerCA,
            requirePeer: false
        )
        do throws(TLSError) {
            return try TLSContext.client(files)
        } catch {
            throw ConfigurationError(
                "PROVIDER_CA",
                "cannot be used: \(error)",
                example: "/etc/ssl/certs/ca-certificates.crt"
            )
        }
    }
}
