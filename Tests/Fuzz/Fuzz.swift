import Glibc
import HTTPInvariants

/// LibFuzzer's own main function, which our entry point stands in for.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// What `FUZZ_TARGET` names.
private let check: Invariants.Check = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? "request"
    guard let found = Invariants.all.first(where: { $0.name == name }) else {
        fatalError("FUZZ_TARGET is '\(name)', none of \(Invariants.all.map(\.name))")
    }
    return found.check
}()

/// Feeds the invariants with what the coverage leads to; a violation ends the run as a crash does.
@main enum Fuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        exit(
            runFuzzer(&count, &arguments) { bytes, size in
                let input = Array(UnsafeBufferPointer(start: bytes, count: size))
                if let violation = check(input) { fatalError(violation) }
                return 0
            }
        )
    }
}
