import FoundationEssentials
import Testing

/// What `make fuzz` once found, and the seeds it starts from, stay good for ever.
@Suite struct FuzzInputTests {
    private static let folder =
        String(#filePath.dropLast("FuzzInputTests.swift".count)) + "FuzzInputs/"

    @Test(arguments: Invariants.all.map(\.name))
    func `every kept input keeps the invariants`(name: String) throws {
        let check = try #require(Invariants.all.first { $0.name == name }).check
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder + name)
        #expect(!files.isEmpty)
        for file in files {
            let bytes = try Data(contentsOf: URL(filePath: Self.folder + name + "/" + file))
            let violation = check(Array(bytes))
            #expect(violation == nil, "\(name)/\(file)")
        }
    }

    @Test func `random noise and mutated seeds keep the invariants`() throws {
        var generator = SystemRandomNumberGenerator()
        for (name, check) in Invariants.all {
            let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder + name)
            for file in files {
                let seed = Array(
                    try Data(contentsOf: URL(filePath: Self.folder + name + "/" + file))
                )
                for _ in 0..<50 {
                    var input = seed
                    for _ in 0..<Int.random(in: 1...4, using: &generator) where !input.isEmpty {
                        let index = Int.random(in: 0..<input.count, using: &generator)
                        switch Int.random(in: 0..<3, using: &generator) {
                        case 0: input[index] = .random(in: 0...255, using: &generator)
                        case 1: input.remove(at: index)
                        default: input.insert(input[index], at: index)
                        }
                    }
                    let violation = check(input)
                    #expect(violation == nil, "\(name) \(input)")
                }
            }
        }
    }
}
