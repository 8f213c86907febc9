/// `stack fault`: hands injected faults to processes.
struct Fault {
    let layout: Layout

    /// Posts the JSON to each admin port and prints the answers; 1 when any refused.
    func run(_ target: Target, _ json: String) throws(StackError) -> Int32 {
        let state = try StateFile(layout: layout).require()
        var code: Int32 = 0
        for index in try state.indices(of: target) {
            let plan = state.members[index].plan
            let answer = LoopbackHTTP.send(
                "POST",
                "/faults",
                port: plan.ports.admin,
                json: json,
                timeout: .seconds(3)
            )
            guard let answer else {
                Terminal.say("\(plan.name): does not answer; is it running? see: stack ps")
                code = 1
                continue
            }
            Terminal.say("\(plan.name): \(answer.text.trimmingSuffix("\n"))")
            if answer.isSuccess { continue }
            code = 1
            if answer.status == 404 && plan.environment["FAULTS"] == nil {
                Terminal.note("stack: \(plan.name) takes no faults; start the stack with --faults")
            }
        }
        return code
    }
}
