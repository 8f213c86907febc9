/// `stack status`: whether all is well, and what is still being worked on.
struct StatusReport: Encodable, Equatable {
    /// One process with what it says about itself.
    struct Process: Encodable, Equatable {
        var view: ProcessView
        var ready: Bool
        /// Instances that this process has stopped calling for now, such as `payment 127.0.0.1:11000`.
        var openBreakers: [String]
    }

    var processes: [Process]
    /// What the databases say is unfinished; nil when PostgreSQL does not answer.
    var work: Work?

    /// Unfinished work over all services.
    struct Work: Encodable, Equatable {
        var sagas: Int
        var orders: Int
    }

    /// Prints the report; 1 when not everything is ready.
    static func run(_ layout: Layout, json: Bool) throws(StackError) -> Int32 {
        let state = try StateFile(layout: layout).require()
        let report = gather(layout, state)
        Terminal.say(try json ? JSONText.of(report) : report.text)
        return report.processes.allSatisfy(\.ready) ? 0 : 1
    }

    private static func gather(_ layout: Layout, _ state: StackState) -> StatusReport {
        let finding = try? Oracle(layout, state.server, invariants: [.everySagaEnded]).evidence()
            .first
        let processes = ProcessView.all(state).map { view in
            let ready =
                view.state == .running && (view.admin.map(Health.isReady) ?? (finding != nil))
            let metrics = view.state == .running ? view.admin.flatMap(metrics) : nil
            return Process(
                view: view,
                ready: ready,
                openBreakers: openBreakers(metrics ?? "")
            )
        }
        let work = finding.map {
            Work(sagas: $0.figure(.order, "sagas"), orders: $0.figure(.order, "orders"))
        }
        return StatusReport(processes: processes, work: work)
    }

    private static func metrics(_ admin: UInt16) -> String? {
        LoopbackHTTP.send("GET", "/metrics", port: admin)?.text
    }

    /// Reads `mesh_instance_breaker{upstream="payment",instance="127.0.0.1:1"} 2`: not 0 is not closed.
    static func openBreakers(_ metrics: String) -> [String] {
        metrics.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("mesh_instance_breaker{"),
                let value = line.split(separator: " ").last, value != "0"
            else { return nil }
            let parts = line.split(separator: "\"")
            return parts.count >= 4 ? "\(parts[1]) \(parts[3])" : nil
        }
    }

    var text: String {
        var table = [["NAME", "STATE", "READY", "PSS MiB", "RESTARTS", "OPEN BREAKERS"]]
        for process in processes {
            let view = process.view
            table.append([
                view.name, view.state.rawValue, process.ready ? "yes" : "no",
                view.kib.map(List.mebibytes) ?? "-", "\(view.restarts)",
                process.openBreakers.isEmpty ? "-" : process.openBreakers.joined(separator: ", "),
            ])
        }
        let ready = processes.count(where: \.ready)
        let unfinished = work.map { "\($0.sagas) sagas and \($0.orders) orders in flight" }
        return Terminal.table(table) + "\n\(ready) of \(processes.count) ready; "
            + (unfinished ?? "PostgreSQL does not answer")
    }
}
