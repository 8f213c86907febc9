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
            if case .experiment = order { signals = try Signals(Interruption.signals) }
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
                await attend(signals) { work.cancel() }
            }
            let result = await work.result
            watch.cancel()
            if let signal = await watch.value {
                Terminal.note("load: ended by signal \(signal)")
                return Interruption.code(signal)
            }
            return try result.get() ? 0 : 1
        }
    }

    /// Waits for signals until it is cancelled; the first of them ends the work.
    ///
    /// - Returns: that signal; nil when none came.
    private static func attend(_ signals: Signals?, stop: () -> Void) async -> Int32? {
        var interruption = Interruption()
        while let signal = try? await signals?.next() {
            switch interruption.take(signal) {
            case .mend:
                Terminal.note("load: mending what is broken; Ctrl-C leaves it as it is")
                stop()
            case .goOn: break
            case .leave:
                fail(
                    "left as it is: look at stack ps, or docker-compose ps",
                    code: Interruption.code(signal)
                )
            }
        }
        return interruption.first
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        Terminal.note("load: \(message)")
        exit(code)
    }
}
