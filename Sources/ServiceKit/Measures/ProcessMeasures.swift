internal import Glibc
internal import Telemetry

/// The numbers that every process shows about itself, under the names that Prometheus' own clients use.
enum ProcessMeasures {
    /// Registers them.
    ///
    /// - Parameter readFile: reads a file of `/proc`; tests give their own.
    static func show(
        in metrics: Metrics,
        readFile: @escaping @Sendable (String) throws -> String = Environment.contents
    ) {
        let started = unixSeconds()
        metrics.collect(
            "process_start_time_seconds",
            "When the process started, in seconds since 1970."
        ) { [Sample([], started)] }
        metrics.collect(
            "process_cpu_seconds_total",
            "Processor time the process used.",
            kind: .counter
        ) { [Sample([], processorSeconds())] }
        metrics.collect("process_resident_memory_bytes", "Memory in use.") {
            guard let text = try? readFile("/proc/self/statm"),
                let pages = text.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
            else { return [] }
            return [Sample([], pages * Double(sysconf(Int32(_SC_PAGESIZE))))]
        }
    }

    private static func unixSeconds() -> Double {
        var time = timespec()
        // The kernel fills the struct that lives on this stack frame.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec / 1_000_000) / 1e3
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        // The kernel fills the struct that lives on this stack frame.
        _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec / 1_000) / 1e6
    }
}
