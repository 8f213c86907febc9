/// `stack fault`: hands injected faults to processes, lists them, takes them back.
struct Fault {
    let layout: Layout

    /// Asks each admin port and prints the answers; 1 when any refused.
    func run(_ target: Target, _ order: Invocation.FaultOrder) throws(StackError) -> Int32 {
        let state = try StateFile(layout: layout).require()
        var code: Int32 = 0
        for index in try state.indices(of: target) {
            let plan = state.members[index].plan
            guard let answer = Self.ask(plan.ports.admin, order) else {
                Terminal.say("\(plan.name): does not answer; is it running? see: stack ps")
                code = 1
                continue
            }
            Terminal.say("\(plan.name): \(answer.text.trimmingSuffix("\n"))")
            if answer.isSuccess { continue }
            code = 1
            if plan.environment["FAULTS"] != "on" {
                Terminal.note("stack: \(plan.name) takes no faults; start the stack with --faults")
            }
        }
        return code
    }

    private static func ask(
        _ port: UInt16,
        _ order: Invocation.FaultOrder
    ) -> LoopbackResponse? {
        let (method, json): (String, String?) =
            switch order {
            case .list: ("GET", nil)
            case .clear: ("DELETE", nil)
            case .add(let json): ("POST", json)
            }
        return LoopbackHTTP.send(
            method,
            "/faults",
            port: port,
            json: json,
            timeout: .seconds(3)
        )
    }
}
