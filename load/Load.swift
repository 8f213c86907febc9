internal import Glibc
internal import Reactor

/// Sends load and says how it was taken.
@main
enum Load {
    static func main() {
        do {
            let order = try Order(Array(CommandLine.arguments.dropFirst()))
            if case .help = order {
                print(Help.text, terminator: "")
                return
            }
            // Before any thread is there; whoever stops an experiment leaves nothing broken.
            var signals: Signals?
            if case .experiment = order { signals = try Signals([SIGINT, SIGTERM]) }
            let loops = try EventLoopGroup(count: 1)
            exit(try loops.runBlocking { [signals] in try await run(order, signals) })
        } catch let error as Options.Invalid {
            fail("\(error)", code: 64)
        } catch {
            fail("\(error)", code: 1)
        }
    }

    private static func run(_ order: Order, _ signals: Signals?) async throws -> Int32 {
        switch order {
        case .help: return 0
        case .traffic(let options):
            let report = try await Session.run(options)
            print(options.printsJSON ? try report.json : report.text)
            return 0
        case .experiment(let name, let options):
            let work = Task(executorPreference: EventLoop.required) {
                try await Experiment.run(name, options)
            }
            let watch = Task(executorPreference: EventLoop.required) {
                _ = try? await signals?.next()
                work.cancel()
            }
            defer { watch.cancel() }
            return try await work.value ? 0 : 1
        }
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        Terminal.note("load: \(message)")
        exit(code)
    }
}
