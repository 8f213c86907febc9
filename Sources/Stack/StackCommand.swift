internal import Glibc

/// `stack`: the whole platform on one machine, without Docker.
@main
enum StackCommand {
    static func main() {
        Interrupts.ignoreBrokenPipes()
        do throws(StackError) {
            let invocation = try Invocation(Array(CommandLine.arguments.dropFirst()))
            exit(try run(invocation))
        } catch {
            Terminal.note("stack: \(error.line)")
            if case .usage = error { Terminal.note("stack: `stack help` lists the commands") }
            exit(error.exitCode)
        }
    }

    private static func run(_ invocation: Invocation) throws(StackError) -> Int32 {
        let layout = Layout(invocation.data)
        switch invocation.command {
        case .help: Terminal.put(Usage.text)
        case .up(let options): try Up(layout: layout, options: options).run()
        case .supervise: try Attendance(layout: layout, supervise: true).adopt()
        case .down(let wipe): try Down(layout: layout).run(wipe: wipe)
        case .ps: try List(layout: layout).run()
        case .logs(let options): try Logs(layout: layout, options: options).run()
        case .status(let json): return try StatusReport.run(layout, json: json)
        case .control(let verb, let targets): try Control(layout: layout).run(verb, targets)
        case .fault(let target, let json): return try Fault(layout: layout).run(target, json)
        case .verify(let options): return try Verify(layout: layout, options: options).run()
        case .events: return try Events(layout: layout).list()
        case .replay(let subject): return try Events(layout: layout).replay(subject)
        case .provision(let folder): try Provision(root: folder).run()
        case .crash(let options): return try Crash(options: options).run()
        case .env: try EnvironmentListing(layout: layout).run()
        }
        return 0
    }
}
