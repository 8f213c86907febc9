import Testing

/// A setting that cannot be used ends the process before it does anything.
@Suite struct SettingsTests {
    @Test(arguments: [
        (["LISTEN": "nowhere"], "LISTEN"),
        (["EVENT_LOOPS": "0"], "EVENT_LOOPS"),
        (["LOG_LEVEL": "loud"], "LOG_LEVEL"),
        ([:], "TLS_CERT"),
        (["TLS_CERT": "/no/such", "TLS_KEY": "/no/such", "TLS_CA": "/no/such"], "TLS_CERT"),
    ])
    func `a bad variable is named in one line, with exit code 78`(
        environment: [String: String],
        variable: String
    ) async throws {
        let order = try await Command.run(
            RunningStack.program("order"),
            [],
            environment: environment,
            within: .seconds(10)
        )
        #expect(order.status == 78)
        #expect(order.errors.hasPrefix("order: \(variable) "), "\(order.errors)")
        #expect(order.errors.split(separator: "\n").count == 1, "\(order.errors)")
    }
}
