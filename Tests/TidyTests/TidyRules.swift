/// Something in a file that a rule does not allow.
struct Offence: Equatable, CustomStringConvertible {
    var path: String
    var line: Int
    var what: String

    var description: String { "\(path):\(line): \(what)" }
}

/// One source file with its masked twin.
struct SourceFile {
    let path: String
    let text: String
    let lines: [Substring]
    /// The lines without comments and string contents.
    let code: [Substring]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        let trimmed = text.hasSuffix("\n") ? text.dropLast() : text[...]
        lines = trimmed.split(separator: "\n", omittingEmptySubsequences: false)
        code = SourceMask.mask(String(trimmed))
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    func offence(_ index: Int, _ what: String) -> Offence {
        Offence(path: path, line: index + 1, what: what)
    }
}

/// The house rules that neither the compiler nor the formatter knows.
enum TidyRules {
    static let fileLimit = 400
    static let functionLimit = 50

    /// A file is read in one sitting.
    static func fileLength(_ file: SourceFile) -> [Offence] {
        guard file.lines.count > fileLimit else { return [] }
        return [file.offence(fileLimit, "\(file.lines.count) lines, at most \(fileLimit)")]
    }

    /// A function fits on a screen.
    static func functionLength(_ file: SourceFile) -> [Offence] {
        var offences: [Offence] = []
        for (index, line) in file.code.enumerated() where startsFunction(line) {
            guard let body = bodyLength(file.code, from: index), body > functionLimit else {
                continue
            }
            offences.append(
                file.offence(index, "function of \(body) lines, at most \(functionLimit)")
            )
        }
        return offences
    }

    private static func startsFunction(_ line: Substring) -> Bool {
        // Cheap first: most lines are none, and all lines of the repository pass here.
        guard line.contains("func ") || line.contains("init") else { return false }
        let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "`") }
        return words.contains("func") || words.contains("init") || words.contains("deinit")
    }

    /// Lines between the braces that follow; nil when there is no body, as in a protocol.
    private static func bodyLength(_ code: [Substring], from start: Int) -> Int? {
        var depth = 0
        var parentheses = 0
        var opened: Int?
        for index in start..<code.count {
            for byte in code[index].utf8 {
                switch byte {
                case UInt8(ascii: "("): parentheses += 1
                case UInt8(ascii: ")"): parentheses -= 1
                case UInt8(ascii: "{"):
                    if opened == nil && parentheses == 0 { opened = index }
                    depth += 1
                case UInt8(ascii: "}"):
                    depth -= 1
                    if depth < 0 { return nil }
                    if depth == 0, let opened, parentheses == 0 {
                        return max(0, index - opened - 1)
                    }
                default: break
                }
            }
            // The next declaration begins before a brace came: there is no body.
            if opened == nil, index > start, startsFunction(code[index]) { return nil }
        }
        return nil
    }

    /// Nothing that traps where it could throw: `x!`, `try!`, `as!` and implicitly unwrapped types.
    static func force(_ file: SourceFile) -> [Offence] {
        file.code.enumerated().flatMap { index, line -> [Offence] in
            guard line.utf8.contains(UInt8(ascii: "!")) else { return [] }
            let characters = Array(line)
            return characters.indices.dropFirst().compactMap { position in
                guard characters[position] == "!" else { return nil }
                let before = characters[position - 1]
                let after = position + 1 < characters.count ? characters[position + 1] : " "
                let ends = before.isLetter || before.isNumber || ")]?_>`\"".contains(before)
                return ends && after != "=" ? file.offence(index, "force: \(line.trimmed)") : nil
            }
        }
    }

    /// What is not done is an issue, not a comment.
    static func leftovers(_ file: SourceFile) -> [Offence] {
        let marks = ["TODO", "FIXME", "XXX"]
        guard marks.contains(where: file.text.contains) else { return [] }
        return file.lines.enumerated().compactMap { index, line in
            let words = line.split { !($0.isLetter || $0 == "_") }
            return words.contains { marks.contains(String($0)) }
                ? file.offence(index, "leftover: \(line.trimmed)") : nil
        }
    }

    /// What the compiler is asked to believe is proven in the comment above it.
    static func proofs(_ file: SourceFile) -> [Offence] {
        let claims = ["@unchecked Sendable", "nonisolated(unsafe)", "@safe "]
        guard claims.contains(where: file.text.contains) else { return [] }
        return file.code.enumerated().compactMap { index, line in
            guard claims.contains(where: line.contains), !isProven(file, index) else { return nil }
            return file.offence(index, "no proof above: \(line.trimmed)")
        }
    }

    /// The phrases that begin a proof (docs/decisions/0001).
    static let proofWords = [
        "safe:", "safe to send", "sendable because", "@unchecked sendable`", "`unsafe`",
    ]

    private static func isProven(_ file: SourceFile, _ index: Int) -> Bool {
        var comment = ""
        var line = index - 1
        while line >= 0 {
            let text = file.lines[line].trimmed
            // Attributes may stand on lines of their own between the comment and the declaration.
            guard text.hasPrefix("//") || text.hasPrefix("@") else { break }
            if text.hasPrefix("//") { comment = text + " " + comment }
            line -= 1
        }
        let lowered = comment.lowercased()
        return proofWords.contains(where: lowered.contains)
    }

    /// Full Foundation brings megabytes of tables that nobody here asks for.
    static func imports(_ file: SourceFile) -> [Offence] {
        guard file.text.contains("Foundation") else { return [] }
        return file.code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard words.contains("import"), words.last == "Foundation" else { return nil }
            return file.offence(index, "full Foundation: import FoundationEssentials")
        }
    }

    /// No outside package and no registry: what the platform is made of is here or is Debian's.
    static func origins(_ file: SourceFile) -> [Offence] {
        let hosts = [
            "docker.io", "ghcr.io", "quay.io", "gcr.io", "public.ecr.aws", "mcr.microsoft.com",
            "registry.npmjs.org", "crates.io", "pypi.org", "files.pythonhosted.org",
            "proxy.golang.org", "repo1.maven.org", "rubygems.org", ".package(url",
            ".package(path", ".package(id",
        ]
        let named = hosts.filter { file.text.contains($0) }
        return named.isEmpty
            ? []
            : file.lines.enumerated().flatMap { index, line in
                named.filter { line.contains($0) }.map {
                    file.offence(index, "outside origin: \($0)")
                }
            }
    }

    static let topLevel: Set<String> = [
        "Package.swift", "Sources", "Tests", "gateway", "load", "docker-compose.yml", "Dockerfile",
        "README.md", "CHANGELOG.md", "Makefile", "docs", "deploy",
    ]
    static let requiredFolders: Set<String> = ["Sources", "Tests", "gateway", "load", "docs"]

    /// The top level says what there is; nothing else lies there.
    ///
    /// Dot-files are the tools' own.
    static func topLevel(_ names: [String]) -> [String] {
        let visible = Set(names.filter { !$0.hasPrefix(".") && $0 != "Package.resolved" })
        return visible.subtracting(topLevel).map { "not a top-level name: \($0)" }.sorted()
            + requiredFolders.subtracting(visible).map { "missing: \($0)" }.sorted()
    }
}

extension StringProtocol {
    /// Without spaces at either end.
    var trimmed: String {
        String(drop { $0 == " " || $0 == "\t" })
    }
}
