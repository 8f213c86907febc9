import Testing

/// Each rule is shown a sample that it must refuse and one that it must not.
@Suite struct `A rule that cannot fail is no rule` {
    private func file(_ text: String) -> SourceFile {
        SourceFile(path: "Sample.swift", text: text)
    }

    @Test func `a file of 401 lines is too long`() {
        let lines = { String(repeating: "let a = 1\n", count: $0) }
        #expect(TidyRules.fileLength(file(lines(401))).count == 1)
        #expect(TidyRules.fileLength(file(lines(400))).isEmpty)
    }

    @Test(arguments: [
        "func long() {", "init(a: Int) throws {",
        "func long(\n  a: Int,\n  then: () -> Void = { }\n) {",
    ])
    func `a function of 51 lines is too long`(head: String) {
        let function = {
            "struct S {\n\(head)\n" + String(repeating: "a()\n", count: $0) + "}\n}\n"
        }
        let offences = TidyRules.functionLength(file(function(51)))
        #expect(offences.map(\.what) == ["function of 51 lines, at most 50"])
        #expect(TidyRules.functionLength(file(function(50))).isEmpty)
    }

    @Test func `a protocol's functions have no length`() {
        let requirements = String(repeating: "func one()\n", count: 80)
        #expect(TidyRules.functionLength(file("protocol P {\n\(requirements)}\n")).isEmpty)
    }

    @Test(arguments: [
        "a!", "f()!.b", "a[0]! + 1", "try! f()", "x as! Y", "var a: Int!", "a?.b!", "[Int]!",
    ])
    func `forcing is refused`(code: String) {
        #expect(TidyRules.force(file(code)).count == 1)
    }

    @Test(arguments: [
        "!a", "a != b", "a!=b", "if !(b)", "// a!", "\"a!\"", "\"\"\"\na!\n\"\"\"", "#\"a!\"#",
        "\"\\(a)!\"",
    ])
    func `negation, comments and texts are not forcing`(code: String) {
        #expect(TidyRules.force(file(code)).isEmpty)
    }

    @Test func `code after a text with quotes in an interpolation is still seen`() {
        #expect(TidyRules.force(file("f(\"\\(a[\"k\"] ?? \")\")\", b!)")).count == 1)
        #expect(TidyRules.force(file("/* /* */ a! */ b!")).count == 1)
    }

    @Test func `leftovers are refused`() {
        #expect(TidyRules.leftovers(file("// TODO: later")).count == 1)
        #expect(TidyRules.leftovers(file("let a = 1 // FIXME")).count == 1)
        #expect(TidyRules.leftovers(file("let methodology = 1")).isEmpty)
    }

    @Test(arguments: [
        "final class A: @unchecked Sendable {}", "nonisolated(unsafe) var a = 1",
        "@safe struct A {}",
        "/// Holds a thing.\nfinal class A: @unchecked Sendable {}",
        "// Safe: one thread.\n\nfinal class A: @unchecked Sendable {}",
    ])
    func `a claim without a proof right above it is refused`(code: String) {
        #expect(TidyRules.proofs(file(code)).count == 1)
    }

    @Test(arguments: [
        "/// A thing.\n///\n/// `@unchecked Sendable`: one loop.\nfinal class A: @unchecked Sendable {}",
        "/// Safe to send: one loop.\n@usableFromInline\nfinal class A: @unchecked Sendable {}",
        "// Safe: written before any thread.\nnonisolated(unsafe) var a = 1",
    ])
    func `a proven claim is fine`(code: String) {
        #expect(TidyRules.proofs(file(code)).isEmpty)
    }

    @Test func `full Foundation is refused, its essentials are not`() {
        #expect(TidyRules.imports(file("import Foundation")).count == 1)
        #expect(TidyRules.imports(file("public import Foundation")).count == 1)
        #expect(TidyRules.imports(file("internal import FoundationEssentials")).isEmpty)
    }

    @Test(arguments: ["FROM docker.io/library/swift", "image: ghcr.io/a/b", ".package(url: \"a\")"])
    func `an outside origin is refused`(line: String) {
        #expect(TidyRules.origins(file(line)).count == 1)
        #expect(TidyRules.origins(file("FROM swift:6.3-bookworm")).isEmpty)
    }

    @Test func `a stray or missing top-level name is refused`() {
        let whole = Array(TidyRules.topLevel) + [".git", ".build"]
        #expect(TidyRules.topLevel(whole).isEmpty)
        #expect(TidyRules.topLevel(whole + ["scripts"]) == ["not a top-level name: scripts"])
        #expect(TidyRules.topLevel(whole.filter { $0 != "gateway" }) == ["missing: gateway"])
    }
}
