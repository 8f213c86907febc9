import Contracts
import Testing

@testable import Load

@Suite struct `What load is told` {
    private func parse(_ line: String) throws -> Order {
        try Order(line.split(separator: " ").map(String.init))
    }

    private func options(_ line: String) throws -> Options {
        guard case .traffic(let options) = try parse(line) else {
            throw Options.Invalid(description: "no traffic")
        }
        return options
    }

    @Test func `the command line is read as the help says`() throws {
        let options = try options(
            "checkout --url http://localhost:9090 --users 3 --seconds 4 --json"
        )
        #expect(options.shop == ShopAddress("http://127.0.0.1:9090"))
        #expect(options.users == 3 && options.seconds == 4 && options.printsJSON)
        #expect(options.pattern == .users(3, think: .zero))
        #expect(try parse("") == .help)
    }

    @Test func `a pace, one product, few accounts and short orders can be asked for`() throws {
        let options = try options("checkout --rate 250 --hot --accounts 4 --lines 1 --seconds 2")
        #expect(options.pattern == .arrivals(.constant(250, seconds: 2), poisson: false))
        #expect(options.mix == Mix(.hot) && options.accounts == 4 && options.lines == 1)
        let ramp = try self.options("mixed --rate 10 --to 90 --poisson").pattern
        #expect(ramp == .arrivals(.ramp(10, to: 90, seconds: 10), poisson: true))
        let spike = try self.options("search --rate 10 --spike 90").pattern
        #expect(spike == .arrivals(.spike(10, to: 90, seconds: 10), poisson: false))
        #expect(try self.options("mixed --mix hot=1").mix == Mix(.hot))
        #expect(try self.options("hot --compose").platform == .compose)
    }

    @Test func `an experiment is for the stack in the usual folder unless told otherwise`() throws {
        guard case .experiment(.chaos, let options) = try parse("chaos --minutes 2 --seed 7") else {
            Issue.record("no chaos")
            return
        }
        #expect(options.platform == .stack(".anyway"))
        #expect(options.seconds == 120 && options.seed == 7)
        for (line, seconds) in [("chaos", 300), ("chaos --seconds 20 --rate 5", 20)] {
            guard case .experiment(.chaos, let options) = try parse(line) else {
                Issue.record("no chaos")
                return
            }
            #expect(options.seconds == seconds)
        }
        guard case .experiment(.fallacy(2), let other) = try parse("fallacy 2 --compose") else {
            Issue.record("no fallacy")
            return
        }
        #expect(other.platform == .compose)
        for (word, name) in [("cap", ExperimentName.cap), ("clocks", .clocks)] {
            guard case .experiment(name, _) = try parse(word) else {
                Issue.record("no \(word)")
                return
            }
        }
    }

    @Test func `all guards are left out in turn, or those that are named, on stacks of their own`()
        throws
    {
        func guards(_ line: String) throws -> [[Guard]] {
            guard case .experiment(.ablation(let guards), _) = try parse(line) else { return [] }
            return guards
        }
        #expect(try guards("ablation --seed 3").count == Guard.allCases.count + 1)
        let named = try guards("ablation fencing,breaker+retry-budget")
        #expect(named == [[.fencing], [.breaker, .retryBudget]])
    }

    @Test(arguments: [
        "basket", "checkout --users", "checkout --users 0", "checkout --what 1",
        "checkout --rate 0",
        "checkout --lines 11", "checkout --accounts many", "checkout --rate", "checkout --to 5",
        "checkout --poisson", "checkout --rate 5 --think 5", "checkout --rate 5 --to 6 --spike 7",
        "mixed --mix basket=1", "ablation brakes", "ablation --compose", "ablation --data x",
        "fallacy", "fallacy 9", "chaos --minutes 0", "chaos --minutes", "chaos --seconds 12",
        "breaker --minutes 2", "fallacy 1 --minutes 2",
        "breaker --mix browse=1", "clocks --seed 4", "fallacy 2 --seconds 20", "cap --users 3",
        "chaos --html x", "ablation --history x", "breaker --json", "fallacy 1 --lines 2",
        "checkout --url http://example.com:80", "checkout --url http://10.0.0.1:80",
        "checkout --url https://127.0.0.1:80",
    ])
    func `other words are refused, other machines above all`(line: String) {
        #expect(throws: Options.Invalid.self) { try parse(line) }
    }

    @Test func `an experiment takes what it reads`() throws {
        let line = "chaos --seconds 29 --seed 2 --rate 5 --accounts 3 --history x --data y"
        guard case .experiment(.chaos, let options) = try parse(line) else {
            Issue.record("no chaos")
            return
        }
        #expect(options.seconds == 29 && options.seed == 2 && options.rate == 5)
        #expect(options.history == "x" && options.platform == .stack("y"))
        #expect(throws: Never.self) { try parse("fallacy 3 --rate 5 --url http://localhost:9") }
        #expect(throws: Never.self) { try parse("ablation fencing --rate 5 --seed 3") }
    }

    @Test
    func `users have an account each unless told otherwise, and a rate has those it asks for`()
        throws
    {
        #expect(try options("checkout").customers == 8)
        #expect(try options("checkout --users 100").customers == 100)
        #expect(try options("checkout --users 100 --accounts 4").customers == 4)
        #expect(try options("checkout --accounts 20").customers == 8)
        #expect(try options("checkout --rate 5").customers == 8)
        #expect(try options("checkout --rate 5 --users 900").customers == 32)
        #expect(try options("checkout --rate 5 --accounts 100").customers == 100)
        #expect(try options("checkout --rate 5 --accounts 4").customers == 4)
    }

    @Test func `a name must lead to this machine or its containers`() async throws {
        let gateway = try #require(ShopAddress("http://gateway:8080"))
        #expect(gateway.host == "gateway" && gateway.port == 8080)
        for near in ["127.0.0.1", "172.18.0.3", "172.31.0.1", "10.1.2.3", "192.168.1.1", "::1"] {
            #expect(ShopAddress.isNear(near))
        }
        for far in ["8.8.8.8", "172.32.0.1", "192.169.0.1", "2001:db8::1", "x"] {
            #expect(!ShopAddress.isNear(far))
        }
    }

    @Test func `help names every scenario and experiment`() {
        for word in Scenario.allCases.map(\.rawValue) + [
            "mixed", "breaker", "chaos", "ablation", "cap", "clocks", "fallacy",
        ] {
            #expect(Help.text.contains(word))
        }
        for fallacy in Fallacy.all {
            #expect(Help.text.contains("\(fallacy.number): \(fallacy.belief)"))
        }
    }
}
