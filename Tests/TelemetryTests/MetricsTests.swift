import Testing

@testable import Telemetry

@Suite struct MetricsTests {
    @Test func `a counter, a gauge and a histogram render as Prometheus reads them`() {
        let metrics = Metrics()
        metrics.counter("calls_total", "Calls made.", ["to": "order"]).increment(by: 3)
        metrics.gauge("open", "Open\nconnections \\ now.").set(2.5)
        let histogram = metrics.histogram("took_seconds", "Time taken.", buckets: [0.1, 1])
        histogram.observe(0.1)
        histogram.observe(.milliseconds(500))
        histogram.observe(.seconds(7))
        histogram.observe(Double.nan)
        #expect(
            metrics.render() == """
                # HELP calls_total Calls made.
                # TYPE calls_total counter
                calls_total{to="order"} 3
                # HELP open Open\\nconnections \\\\ now.
                # TYPE open gauge
                open 2.5
                # HELP took_seconds Time taken.
                # TYPE took_seconds histogram
                took_seconds_bucket{le="0.1"} 1
                took_seconds_bucket{le="1"} 2
                took_seconds_bucket{le="+Inf"} 3
                took_seconds_sum 7.6
                took_seconds_count 3

                """
        )
        #expect(histogram.count == 3)
    }

    @Test func `label values are escaped`() {
        let metrics = Metrics()
        metrics.counter("odd_total", "Odd.", ["path": "a\"b\\c\nd"]).increment()
        #expect(metrics.render().contains(#"odd_total{path="a\"b\\c\nd"} 1"#))
    }

    @Test func `a histogram with labels keeps them beside its bound`() {
        let metrics = Metrics()
        metrics.histogram("t", "T.", ["route": "x"], buckets: [1]).observe(0.5)
        let text = metrics.render()
        #expect(text.contains(#"t_bucket{route="x",le="1"} 1"#))
        #expect(text.contains(#"t_sum{route="x"} 0.5"#))
    }

    @Test func `the same name and labels are the same handle`() {
        let metrics = Metrics()
        metrics.counter("a_total", "A.", ["x": "1"]).increment()
        metrics.counter("a_total", "A.", ["x": "1"]).increment()
        #expect(metrics.counter("a_total", "A.", ["x": "1"]).value == 2)
        #expect(metrics.counter("a_total", "A.", ["x": "2"]).value == 0)
    }

    @Test func `label sets beyond the limit share one handle`() {
        let metrics = Metrics()
        let family = metrics.counters("hits_total", "Hits.", labels: ["who"], limit: 3)
        for number in 0..<100 { family.with("\(number)").increment() }
        let lines = metrics.render().split(separator: "\n").filter { $0.hasPrefix("hits_total{") }
        #expect(lines.count == 4)
        #expect(lines.contains(#"hits_total{who="other"} 97"#))
    }

    @Test func `a removed label set is not rendered and makes room`() {
        let metrics = Metrics()
        let family = metrics.gauges("up", "Up.", labels: ["instance"], limit: 1)
        family.with("a").set(1)
        family.remove(["a"])
        family.with("b").set(1)
        #expect(metrics.render().hasSuffix("up{instance=\"b\"} 1\n"))
    }

    @Test func `collected values are read when somebody looks`() {
        let metrics = Metrics()
        metrics.collect("size", "Size.", labels: ["of"]) {
            [Sample(["a"], 1), Sample(["too", "many"], 3)]
        }
        metrics.collect("size", "Size.", labels: ["of"]) { [Sample(["b"], .infinity)] }
        let lines = metrics.render().split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines == [#"size{of="a"} 1"#, #"size{of="b"} +Inf"#])
    }

    @Test func `nothing is lost between threads`() async {
        let metrics = Metrics()
        let counter = metrics.counter("c_total", "C.")
        let gauge = metrics.gauge("g", "G.")
        let histogram = metrics.histogram("h", "H.")
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<5000 {
                        counter.increment()
                        gauge.add(1)
                        histogram.observe(1.0)
                    }
                }
            }
        }
        #expect(counter.value == 20_000)
        #expect(gauge.value == 20_000)
        #expect(histogram.count == 20_000)
        #expect(metrics.render().contains("h_sum 20000\n"))
    }

    @Test(arguments: [
        (0.0, "0"), (-1.0, "-1"), (0.25, "0.25"), (1e20, "1e+20"), (.nan, "NaN"),
        (-.infinity, "-Inf"),
    ])
    func `numbers are written shortly`(_ value: Double, _ text: String) {
        #expect(MetricsText.number(value) == text)
    }
}
