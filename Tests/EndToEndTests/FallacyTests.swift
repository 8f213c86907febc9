import Testing

/// An experiment of `load` as somebody runs it.
@Suite(.serialized) struct FallacyTests {
    @Test func `clients of every kind are served by a real stack, and the experiment says so`()
        async throws
    {
        try await RunningStack.with { stack in
            let load = try await Command.run(
                RunningStack.program("load"),
                [
                    "fallacy", "8", "--url", "http://127.0.0.1:\(stack.port)",
                    "--data", stack.folder,
                ],
                within: .seconds(120)
            )
            #expect(load.status == 0, "\(load.output)\(load.errors)")
            #expect(load.output.contains("\nPASS  ") && !load.output.contains("FAIL"))
            #expect(load.output.contains("  ok    waits for 100 Continue: 201, the stored answer"))
        }
    }
}
