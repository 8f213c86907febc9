import Testing

@testable import Stack

@Suite struct `What people see` {
    @Test func `columns line up`() {
        #expect(Terminal.table([["A", "B"], ["long", "b"]]) == "A     B\nlong  b")
    }

    @Test func `only breakers that are not closed are shown`() {
        let metrics = """
            # TYPE mesh_instance_breaker gauge
            mesh_instance_breaker{upstream="payment",instance="127.0.0.1:1"} 2
            mesh_instance_breaker{upstream="payment",instance="127.0.0.1:2"} 0
            mesh_instance_out{upstream="payment",instance="127.0.0.1:2"} 1
            """
        #expect(StatusReport.openBreakers(metrics) == ["payment 127.0.0.1:1"])
    }

    @Test func `durations and sizes are short`() {
        #expect(Up.text(.milliseconds(2_449)) == "2.45 s")
        #expect(Up.text(.milliseconds(60_005)) == "60.01 s")
        #expect(List.mebibytes(1_536) == "1.5")
    }

    @Test func `the commands to try name the port and a product`() {
        let text = Greeting.text(port: 9090, tag: "x1", product: "p-1")
        #expect(text.contains("http://localhost:9090/orders"))
        #expect(text.contains("\"product_id\":\"p-1\""))
        #expect(text.contains("http://localhost:9090/orders/ORDER_ID/cancel"))
        #expect(text.components(of: "curl ").count == 5)
    }

    @Test(
        arguments: [
            ("{\"items\":[{\"id\": \"a\"}]}", "a"), ("{\"product_id\":\"b\"}", "b"), ("{}", nil),
            ("{\"id\":", nil),
        ] as [(String, String?)]
    )
    func `the first id of an answer is found`(json: String, id: String?) {
        #expect(Greeting.firstID(in: json) == id)
    }
}

extension String {
    fileprivate func components(of separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
