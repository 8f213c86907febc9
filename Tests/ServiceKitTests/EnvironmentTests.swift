import Testing

@testable import ServiceKit

@Suite struct EnvironmentTests {
    private struct NoFile: Error {}

    private func environment(_ values: [String: String], files: [String: String] = [:])
        -> Environment
    {
        Environment(values) { path in
            guard let text = files[path] else { throw NoFile() }
            return text
        }
    }

    /// The variable that an error names.
    private func blamed(_ body: () throws(ConfigurationError) -> Void) -> String? {
        do throws(ConfigurationError) {
            try body()
            return nil
        } catch {
            #expect("\(error)".hasPrefix("\(error.variable) "))
            #expect("\(error)".contains("for example \(error.variable)="))
            return error.variable
        }
    }

    @Test func `what is empty counts as not set`() {
        #expect(environment(["A": ""]).optional("A") == nil)
        #expect(
            blamed { () throws(ConfigurationError) in
                _ = try environment(["A": ""]).required("A", example: "x")
            } == "A"
        )
    }

    @Test(arguments: ["", "x", "1.5", "0", "65", "-1", "0x10", "9999999999999999999999"])
    func `a number outside its range is refused by name`(text: String) {
        let blame = blamed { () throws(ConfigurationError) in
            let number = try environment(["N": text]).integer("N", in: 1...64, default: 4)
            #expect(text.isEmpty && number == 4)
        }
        #expect(blame == (text.isEmpty ? nil : "N"))
    }

    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("30s", .seconds(30)), ("5m", .seconds(300)),
        ("2h", .seconds(7200)),
    ])
    func `a length of time has a unit`(text: String, expected: Duration) throws {
        #expect(try environment(["T": text]).duration("T", default: .zero) == expected)
    }

    @Test(arguments: ["30", "s", "-1s", "0s", "1.5s", "1d", "99999999999999999999s"])
    func `a length of time without a unit or sense is refused`(text: String) {
        #expect(
            blamed { () throws(ConfigurationError) in
                _ = try environment(["T": text]).duration("T", default: .seconds(1))
            } == "T"
        )
    }

    @Test func `a secret comes from the variable or from a file, not from both`() throws {
        let files = ["/s": " hush\n", "/empty": "\n"]
        #expect(try environment(["K": "v"]).secret("K") == "v")
        #expect(try environment(["K_FILE": "/s"], files: files).secret("K") == "hush")
        #expect(try environment([:]).secret("K") == nil)
        for (values, variable) in [
            (["K": "v", "K_FILE": "/s"], "K"), (["K_FILE": "/none"], "K_FILE"),
            (["K_FILE": "/empty"], "K_FILE"),
        ] {
            #expect(
                blamed { () throws(ConfigurationError) in
                    _ = try environment(values, files: files).secret("K")
                } == variable
            )
        }
    }

    @Test(arguments: [
        ("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:0", "::1", 0), ("db:65535", "db", 65535),
    ])
    func `an address to listen on has a host and a port`(text: String, host: String, port: Int)
        throws
    {
        let found = try environment(["L": text]).hostAndPort("L")
        #expect(found.host == host && Int(found.port) == port)
    }

    @Test(arguments: ["", "80", ":80", "a:", "a:b", "a:65536", "a:-1"])
    func `what is no address to listen on is refused`(text: String) {
        #expect(
            blamed { () throws(ConfigurationError) in
                _ = try environment(["L": text]).hostAndPort("L")
            } == "L"
        )
    }

    @Test func `a switch is on or off`() throws {
        #expect(try environment(["F": "on"]).isOn("F"))
        #expect(try !environment(["F": "off"]).isOn("F", default: true))
        #expect(
            blamed { () throws(ConfigurationError) in
                _ = try environment(["F": "yes"]).isOn("F")
            } == "F"
        )
    }
}
