import Foundation
import Testing

/// What customers saw while things were killed under them, compared with what there is.
@Suite(.serialized) struct HistoryTests {
    @Test func `the shop keeps its word to every customer while everything is killed`() async throws
    {
        try await RunningStack.with { stack in
            let history = "\(stack.folder)-history.jsonl"
            defer { try? FileManager.default.removeItem(atPath: history) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let load = try await Command.run(
                        RunningStack.program("load"),
                        [
                            "checkout", "--url", "http://127.0.0.1:\(stack.port)", "--users", "4",
                            "--seconds", "12", "--data", stack.folder, "--history", history,
                        ],
                        within: .seconds(120)
                    )
                    #expect(load.status == 0, "\(load.output)\(load.errors)")
                }
                group.addTask {
                    // The file comes when every customer is signed in.
                    for _ in 0..<300 where !FileManager.default.fileExists(atPath: history) {
                        try await Task.sleep(for: .milliseconds(200))
                    }
                    try await Task.sleep(for: .seconds(2))
                    for victim in ["postgres", "order", "payment", "product"] {
                        _ = try? await stack.run(["kill", victim])
                        try await Task.sleep(for: .milliseconds(700))
                        _ = try? await stack.run(["start", victim])
                        try await Task.sleep(for: .milliseconds(800))
                    }
                }
                try await group.waitForAll()
            }
            let verified = try await stack.run(
                ["verify", "--wait", "60", "--history", history],
                within: .seconds(90)
            )
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
            #expect(verified.output.contains("seen: a status never goes backwards"))

            // A history that tells of an order nobody has shows that it was compared at all.
            let line =
                #"{"customer":"01900000-0000-7000-8000-000000000001","end_us":2,"key":"k","kind":"checkout","order":"01900000-0000-7000-8000-000000000002","outcome":"ok","start_us":1,"status":201}"#
            try line.write(toFile: history, atomically: true, encoding: .utf8)
            let lied = try await stack.run(["verify", "--history", history])
            #expect(lied.status == 1, "\(lied.output)\(lied.errors)")
            #expect(lied.output.contains("01900000-0000-7000-8000-000000000002"))
        }
    }

    @Test func `fifty at once with one key are one order, and each can be read at once`()
        async throws
    {
        try await RunningStack.with(["--lean", "--replicas", "order=2"]) { stack in
            let shopper = try await Shopper(stack)
            let product = try await shopper.product(withStock: 50)
            let before = try await shopper.available(product)
            let ids = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let headers = number.isMultiple(of: 2) ? [] : ["Prefer: respond-async"]
                        let answer = try await shopper.order(product, key: "one", headers: headers)
                        #expect([201, 202, 409].contains(answer.status), "\(answer)")
                        let told = answer.text("id") + answer.text("order_id")
                        let read = try await shopper.get("/orders/\(told)")
                        #expect(read.status == 200, "\(answer)\n\(read)")
                        return told
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            let ended = try await shopper.wait(for: ids.first ?? "", toBe: ["confirmed"])
            #expect(ended.text("status") == "confirmed")
            #expect(try await shopper.available(product) == before - 1)
            let verified = try await stack.run(["verify", "--wait", "20"])
            #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
        }
    }
}
