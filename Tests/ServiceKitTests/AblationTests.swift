import Contracts
import Mesh
import Testing

@testable import ServiceKit

@Suite struct `What a process may be told to do without` {
    private func ablation(_ variables: [String: String]) throws -> Ablation {
        try ServiceSettings(Environment(variables), service: "x", transport: .plain).ablation
    }

    @Test func `nothing is left out unless it is named`() throws {
        let whole = try ablation([:])
        #expect(Guard.allCases.allSatisfy { !whole.lacks($0) })
        #expect(try ablation(["ABLATE": ""]) == whole && whole == Ablation())
        #expect(try ablation(["FAULTS": "on"]) == whole)
    }

    @Test(arguments: Guard.allCases)
    func `each guard can be left out, and with it no other`(part: Guard) throws {
        let found = try ablation(["FAULTS": "on", "ABLATE": part.rawValue])
        for other in Guard.allCases { #expect(found.lacks(other) == (other == part)) }
        #expect(found.names == [part.rawValue])
    }

    @Test func `several can be left out`() throws {
        let found = try ablation(["FAULTS": "on", "ABLATE": "fencing,breaker"])
        #expect(found == Ablation([.breaker, .fencing]))
    }

    @Test(arguments: [[:], ["FAULTS": "off"]])
    func `without FAULTS=on it is refused at the start`(variables: [String: String]) {
        let variables = variables.merging(["ABLATE": "retries"]) { $1 }
        let error = #expect(throws: ConfigurationError.self) { try ablation(variables) }
        #expect(error?.variable == "ABLATE")
        #expect(error?.description.contains("needs FAULTS=on") == true)
    }

    @Test(arguments: ["brakes", "Retries", "retries breaker", "retries, breaker"])
    func `an unknown name is refused with the known ones`(text: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try ablation(["FAULTS": "on", "ABLATE": text])
        }
        for part in Guard.allCases {
            #expect(error?.description.contains(part.rawValue) == true)
        }
    }

    @Test func `without retries nothing is tried again, whatever else is asked for`() {
        let policy = MeshPolicy().without(Ablation([.retries]))
        #expect(!policy.retriesCalls && MeshPolicy().without(Ablation()).retriesCalls)
    }

    @Test func `without the budget any number of retries is let through`() {
        func taken(_ ablation: Ablation) -> Int {
            var budget = RetryBudget(policy: MeshPolicy().without(ablation).retryBudget)
            return (0..<1000).count { _ in budget.take(at: .zero) }
        }
        #expect(taken(Ablation([.retryBudget])) == 1000 && taken(Ablation([.breaker])) == 10)
    }

    @Test func `without the breaker calls go out however many have failed`() {
        func isLetThrough(_ ablation: Ablation) -> Bool {
            var breaker = CircuitBreaker(policy: MeshPolicy().without(ablation).breaker)
            for _ in 0..<1000 {
                guard let permit = breaker.permit(at: .zero) else { return false }
                breaker.record(.failure, of: permit, at: .zero)
            }
            return true
        }
        #expect(isLetThrough(Ablation([.breaker])) && !isLetThrough(Ablation([.retries])))
    }
}
