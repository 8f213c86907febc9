import FoundationEssentials
import Testing

/// The repository as it is, held against the rules.
@Suite struct `The repository is tidy` {
    @Test func `files and functions are short`() throws {
        let files = try Repository.swift(["Sources", "gateway", "load", "Tests"])
        #expect(files.count > 20)
        #expect(files.flatMap(TidyRules.fileLength) == [])
        // A test that walks through a story may take its time.
        let code = files.filter { !$0.path.hasPrefix("Tests/") }
        #expect(code.flatMap(TidyRules.functionLength) == [])
    }

    @Test func `nothing is forced, left over or claimed without a proof`() throws {
        let files = try Repository.swift(["Sources", "gateway", "load"])
        #expect(files.flatMap(TidyRules.force) == [])
        #expect(files.flatMap(TidyRules.leftovers) == [])
        #expect(files.flatMap(TidyRules.proofs) == [])
        #expect(files.flatMap(TidyRules.imports) == [])
    }

    @Test func `nothing comes from elsewhere`() throws {
        var files = try Repository.swift(["Sources", "gateway", "load"])
        for name in ["Package.swift", "Makefile", "Dockerfile", "docker-compose.yml", ".ci/run"] {
            if let file = Repository.file(name) { files.append(file) }
        }
        #expect(files.contains { $0.path == "Package.swift" })
        #expect(files.flatMap(TidyRules.origins) == [])
    }

    @Test func `the top level is what the design says`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Repository.root)
        #expect(TidyRules.topLevel(names) == [])
    }
}

/// Reads the checkout that these tests were built from.
enum Repository {
    static let root = String(#filePath.dropLast("/Tests/TidyTests/RepositoryTests.swift".count))

    /// Every Swift file of ours, read once.
    private static let everything = Result {
        try read(["Sources", "gateway", "load", "Tests"])
    }

    /// All Swift files below the folders.
    static func swift(_ folders: [String]) throws -> [SourceFile] {
        try everything.get().filter { file in folders.contains { file.path.hasPrefix("\($0)/") } }
    }

    private static func read(_ folders: [String]) throws -> [SourceFile] {
        try folders.flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")
                .filter { $0.hasSuffix(".swift") }
                .compactMap { file("\(folder)/\($0)") }
        }
    }

    /// One file; nil when it is not there.
    static func file(_ path: String) -> SourceFile? {
        FileManager.default.contents(atPath: "\(root)/\(path)").map {
            SourceFile(path: path, text: String(decoding: $0, as: UTF8.self))
        }
    }
}
