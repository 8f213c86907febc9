import ServiceKit
import Testing

@testable import PaymentProvider
@testable import PaymentService

@Suite struct PaymentConfigurationTests {
    static let good = [
        "PROVIDER_URL": "http://127.0.0.1:12111", "PROVIDER_KEY": "sk_test_0123456789",
    ]

    @Test func `the defaults are a minute between sweeps`() throws {
        let configuration = try PaymentConfiguration(Environment(Self.good))
        #expect(configuration.reconcileInterval == .seconds(60))
        #expect(configuration.provider.port == 12111)
        #expect("\(configuration.key)" == "sk_…")
    }

    @Test func `a key comes from a file as well`() throws {
        var variables = Self.good
        variables["PROVIDER_KEY"] = nil
        variables["PROVIDER_KEY_FILE"] = "/secrets/key"
        let environment = Environment(variables) { _ in "sk_test_from_a_file\n" }
        let configuration = try PaymentConfiguration(environment)
        #expect(configuration.key.authorization == "Bearer sk_test_from_a_file")
        #expect(
            try ProviderConfiguration(environment).key.matches(
                authorization: configuration.key.authorization
            )
        )
    }

    @Test(arguments: [
        ("PROVIDER_URL", nil as String?), ("PROVIDER_URL", "ftp://api.stripe.com"),
        ("PROVIDER_MAX_IN_FLIGHT", "0"), ("PROVIDER_BREAKER_OPEN", "soon"),
        ("PROVIDER_URL", "http://user:secret@host"), ("PROVIDER_KEY", nil),
        ("PROVIDER_KEY", "secret"), ("PROVIDER_KEY", "secret secret"),
        ("RECONCILE_INTERVAL", "60"), ("RECONCILE_INTERVAL", "0s"),
    ])
    func `a setting that cannot be used is named without its secret`(name: String, value: String?) {
        var variables = Self.good
        variables[name] = value
        let error = #expect(throws: ConfigurationError.self) {
            try PaymentConfiguration(Environment(variables))
        }
        #expect(error?.variable == name)
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test func `over https the system's authorities are trusted, or those of a file`() throws {
        var variables = Self.good
        #expect(try PaymentConfiguration(Environment(variables)).providerTLS() == nil)
        variables["PROVIDER_URL"] = "https://api.stripe.com"
        let configuration = try PaymentConfiguration(Environment(variables))
        #expect(configuration.provider.port == 443)
        #expect(configuration.provider.authority == "api.stripe.com")
        #expect(try configuration.providerTLS() != nil)
        variables["PROVIDER_CA"] = "/nowhere/ca.pem"
        let error = #expect(throws: ConfigurationError.self) {
            try PaymentConfiguration(Environment(variables)).providerTLS()
        }
        #expect(error?.variable == "PROVIDER_CA")
    }

    @Test func `the sandbox wants a key too`() {
        let error = #expect(throws: ConfigurationError.self) {
            try ProviderConfiguration(Environment([:]))
        }
        #expect(error?.variable == "PROVIDER_KEY")
    }
}
