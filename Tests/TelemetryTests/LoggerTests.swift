import FoundationEssentials
import Glibc
import Testing

@testable import Telemetry

/// A sink whose lines go into a pipe.
private struct Bench {
    let sink: LogSink
    let reader: Int32
    let writer: Int32

    init(limit: Int = 1 << 20) {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        reader = ends[0]
        writer = ends[1]
        sink = LogSink(descriptor: writer, limit: limit)
    }

    func logger(level: LogLevel = .debug, format: LogFormat = .json) -> Logger {
        Logger(
            service: "order",
            instance: "order.1",
            level: level,
            format: format,
            sink: sink
        )
    }

    /// Everything written up to now.
    func lines() -> [String] {
        #expect(sink.flush(within: .seconds(5)))
        return drain()
    }

    /// What the pipe holds.
    func drain() -> [String] {
        _ = fcntl(reader, F_SETFL, O_NONBLOCK)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(reader, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func end() {
        sink.close()
        close(reader)
    }
}

private struct Line: Decodable, Equatable {
    var level: String
    var service: String
    var instance: String
    var message: String
    var time: String
    var trace_id: String?
    var span_id: String?
    var text: String?
    var count: Int?
    var ratio: Double?
    var yes: Bool?
    var took: Double?
    var list: [String]?
    var level_: String?

    init(_ json: String) throws {
        self = try JSONDecoder().decode(Line.self, from: Data(json.utf8))
    }
}

@Suite struct LoggerTests {
    @Test func `a line is one JSON object with all its fields`() throws {
        let bench = Bench()
        defer { bench.end() }
        bench.logger().with(["text": .string("a")]).warning(
            "stock is short",
            [
                "count": .int(-7), "ratio": .double(0.5), "yes": .bool(true),
                "took": .milliseconds(.microseconds(1234)), "list": .list(["a", "\""]),
                "level": .string("mine"), "nothing": .null, "odd": .double(.nan),
            ]
        )
        let lines = bench.lines()
        #expect(lines.count == 1)
        let line = try Line(#require(lines.first))
        #expect(line.level == "warning")
        #expect(line.service == "order")
        #expect(line.instance == "order.1")
        #expect(line.message == "stock is short")
        #expect(line.trace_id == nil)
        #expect(line.text == "a")
        #expect(line.count == -7)
        #expect(line.ratio == 0.5)
        #expect(line.yes == true)
        #expect(line.took == 1.234)
        #expect(line.list == ["a", "\""])
        #expect(line.level_ == "mine", "a field never overrides what the line says of itself")
    }

    @Test(arguments: [
        "plain", "", "\"quoted\" \\ back", "two\nlines\r\n", "\u{0}\u{1}\u{1F}\u{7F}\t",
        "naïve 日本 🛒", "\u{1B}[31mred", "}{\",\"level\":\"error\"", "\u{2028}",
    ])
    func `any text comes back as it went in, on one line`(_ text: String) throws {
        let bench = Bench()
        defer { bench.end() }
        bench.logger().info(text, ["text": .string(text)])
        let lines = bench.lines()
        #expect(lines.count == 1)
        let line = try Line(#require(lines.first))
        #expect(line.message == text)
        #expect(line.text == text)
    }

    @Test(arguments: LogFormat.allCases)
    func `a line written field by field is the line of its fields`(_ format: LogFormat) {
        let bench = Bench()
        defer { bench.end() }
        let logger = bench.logger(format: format).with(["text": .string("\"a\"")])
        let none: String? = nil
        TraceContext.$current.withValue(.root()) {
            logger.info(
                "done",
                [
                    "path": .string("/x y"), "id": .string("abc"), "count": .int(3),
                    "took": .milliseconds(.nanoseconds(1_234_500)),
                ]
            )
            logger.info("done") { line in
                line.add("path", "/x y")
                line.add("none", none)
                line.add("id", addingCapacity: 4) { text in
                    for byte: UInt8 in [0x61, 0x62, 0x63] { text.append(byte) }
                }
                line.add("count", 3)
                line.add("took", nanoseconds: 1_234_500)
            }
        }
        // All but the time.
        let lines = bench.lines().map { $0.drop { $0 != "Z" } }
        #expect(lines.count == 2)
        #expect(lines.first == lines.last)
        bench.logger(level: .warning).info("quiet") { _ in Issue.record("not severe enough") }
        #expect(bench.lines().isEmpty)
    }

    @Test func `text for people stays on one line and escapes control characters`() throws {
        let bench = Bench()
        defer { bench.end() }
        bench.logger(format: .text).info("hello\n\u{1B}[31m", ["id": .string("a b"), "n": .int(2)])
        let lines = bench.lines()
        #expect(lines.count == 1)
        #expect(lines[0].hasSuffix(#"INFO    order.1 hello\n\u001b[31m id="a b" n=2"#))
    }

    @Test func `the current trace is on the line`() throws {
        let bench = Bench()
        defer { bench.end() }
        let trace = TraceContext.root()
        TraceContext.$current.withValue(trace) { bench.logger().info("inside") }
        let line = try Line(#require(bench.lines().first))
        #expect(line.trace_id == trace.traceID)
        #expect(line.span_id == trace.span)
    }

    @Test func `less severe lines are not written and not even built`() {
        let bench = Bench()
        defer { bench.end() }
        var built = 0
        func message() -> String {
            built += 1
            return "x"
        }
        let log = bench.logger(level: .warning)
        log.debug(message())
        log.info(message())
        log.warning(message())
        log.error(message())
        #expect(bench.lines().count == 2)
        #expect(built == 2)
    }

    @Test func `a full pipe never blocks the caller; drops are counted and reported`() throws {
        let bench = Bench(limit: 4096)
        defer { bench.end() }
        let log = bench.logger()
        let text = String(repeating: "x", count: 200)
        var total = 0
        // Until the pipe is full, which its writer comes to a few lines at a time.
        while bench.sink.flush(within: .milliseconds(20)), total < 20_000 {
            for _ in 0..<10 { log.info(text) }
            total += 10
        }
        let start = ContinuousClock.now
        for _ in 0..<2000 { log.info(text) }
        total += 2000
        #expect(ContinuousClock.now - start < .seconds(2))
        #expect(bench.sink.droppedLines > 0)
        #expect(!bench.sink.flush(within: .milliseconds(20)))
        var lines: [String] = []
        for _ in 0..<500 where !bench.sink.flush(within: .milliseconds(5)) {
            lines += bench.drain()
        }
        lines += bench.drain()
        let reported = lines.filter { $0.contains("log lines dropped") }
        #expect(reported.count >= 1)
        let written = lines.count - reported.count
        let dropped = bench.sink.droppedLines
        #expect(written + dropped == total)
        #expect(reported.allSatisfy { $0.contains(#""instance":"order.1""#) })
        #expect(reported.allSatisfy { $0.contains(#""dropped":"#) })
    }

    @Test func `lines of many threads arrive whole and in each thread's order`() async throws {
        let bench = Bench()
        defer { bench.end() }
        let log = bench.logger()
        await withTaskGroup { group in
            for worker in 0..<4 {
                group.addTask {
                    for number in 0..<50 { log.info("\(worker)", ["count": .int(number)]) }
                }
            }
        }
        let lines = try bench.lines().map { try Line($0) }
        #expect(lines.count == 200)
        for worker in 0..<4 {
            let numbers = lines.filter { $0.message == "\(worker)" }.compactMap(\.count)
            #expect(numbers == Array(0..<50))
        }
    }

    @Test func `a reader that went away stops nothing`() {
        let bench = Bench()
        close(bench.reader)
        bench.logger().info("to nobody")
        #expect(bench.sink.flush(within: .seconds(5)))
        bench.sink.close()
    }

    @Test func `the silent logger writes nothing and flushes at once`() {
        Logger.silent.error("never seen")
        #expect(Logger.silent.flush())
    }

    @Test(arguments: [
        (0, 0, "1970-01-01T00:00:00.000000Z"), (951_782_400, 5, "2000-02-29T00:00:00.000005Z"),
        (1_795_226_529, 123_456, "2026-11-21T02:02:09.123456Z"),
        (4_107_542_399, 999_999, "2100-02-28T23:59:59.999999Z"),
        (-1, 0, "1969-12-31T23:59:59.000000Z"),
    ])
    func `times are RFC 3339 in UTC`(_ seconds: Int, _ micros: Int, _ expected: String) {
        var bytes: [UInt8] = []
        WallClock(seconds: seconds, microseconds: micros).append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test func `levels are read in any case`() {
        #expect(LogLevel(name: "WARNING") == .warning)
        #expect(LogLevel(name: "debug") == .debug)
        #expect(LogLevel(name: "loud") == nil)
    }
}

@Suite struct LogQueueTests {
    @Test func `only the first line wakes the writer`() {
        var queue = LogQueue(limit: 10)
        #expect(queue.add([1]) == .wake)
        #expect(queue.add([2]) == .queued)
        #expect(queue.next() == .write([1, 2], dropped: 0))
        #expect(queue.add([3]) == .queued, "the writer looks again after its write")
        #expect(queue.next() == .write([3], dropped: 0))
        #expect(!queue.isDrained, "written is what the writer came back from")
        #expect(queue.next() == .sleep)
        #expect(queue.isDrained)
        #expect(queue.add([4]) == .wake)
    }

    @Test func `a line that does not fit is dropped, a shorter one may follow`() {
        var queue = LogQueue(limit: 3)
        #expect(queue.add([1, 2]) == .wake)
        #expect(queue.add([3, 4]) == .dropped)
        #expect(queue.add([5]) == .queued)
        #expect(queue.next() == .write([1, 2, 5], dropped: 1))
        #expect(queue.next() == .sleep)
    }

    @Test func `a closed queue is emptied before the writer stops`() {
        var queue = LogQueue(limit: 3)
        #expect(queue.add([1]) == .wake)
        queue.close()
        #expect(queue.add([2]) == .dropped)
        #expect(queue.next() == .write([1], dropped: 1))
        #expect(queue.next() == .stop)
    }
}
