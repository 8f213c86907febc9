internal import Glibc

/// Writes structured log lines for one process.
///
/// A line is formatted on the calling thread and handed to a ``LogSink``, which never blocks the
/// caller. The ids of ``TraceContext/current`` are added by themselves.
public struct Logger: Sendable {
    /// The service's name, such as `order`.
    public let service: String
    /// Which of the service's processes this is, such as `order.2`.
    public let instance: String
    /// Less severe lines are not written.
    public let level: LogLevel
    /// What a line looks like.
    public let format: LogFormat
    private let sink: LogSink?
    private(set) var context = LogFields()

    /// Makes a logger; lines go to standard output unless another sink is given.
    public init(
        service: String,
        instance: String,
        level: LogLevel = .info,
        format: LogFormat = .json,
        sink: LogSink = .standardOutput
    ) {
        self.service = service
        self.instance = instance
        self.level = level
        self.format = format
        self.sink = sink
    }

    private init() {
        service = ""
        instance = ""
        level = .error
        format = .json
        sink = nil
    }

    /// A logger that writes nothing, for tests and tools.
    public static let silent = Logger()

    /// This logger with `fields` on each of its lines.
    public func with(_ fields: LogFields) -> Logger {
        var copy = self
        copy.context.append(fields)
        return copy
    }

    /// Detail for somebody who is looking for a fault.
    public func debug(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> LogFields = [:]
    ) {
        log(.debug, message(), fields())
    }

    /// What normally happens.
    public func info(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> LogFields = [:]
    ) {
        log(.info, message(), fields())
    }

    /// What went wrong and was dealt with.
    public func warning(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> LogFields = [:]
    ) {
        log(.warning, message(), fields())
    }

    /// What went wrong and needs somebody.
    public func error(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> LogFields = [:]
    ) {
        log(.error, message(), fields())
    }

    /// Writes a line when `level` is severe enough; never blocks, never fails.
    public func log(
        _ level: LogLevel,
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> LogFields = [:]
    ) {
        guard let (entry, sink) = entry(level, message()) else { return }
        var line: [UInt8] = []
        line.reserveCapacity(512)
        switch format {
        case .json: entry.appendJSON(context, fields(), to: &line)
        case .text: entry.appendText(context, fields(), to: &line)
        }
        sink.write(line, service: service, instance: instance)
    }

    /// What every line has, and where it goes; nil when the line is not severe enough.
    func entry(
        _ level: LogLevel,
        _ message: @autoclosure () -> String
    ) -> (LogEntry, LogSink)? {
        guard let sink, level >= self.level else { return nil }
        let entry = LogEntry(
            time: WallClock.now,
            level: level,
            service: service,
            instance: instance,
            message: message(),
            trace: TraceContext.current
        )
        return (entry, sink)
    }

    /// Waits until everything written so far has left the process, at most `limit`.
    ///
    /// Blocks the calling thread; meant for the end of `main`. Returns whether all of it left.
    @discardableResult
    public func flush(within limit: Duration = .seconds(1)) -> Bool {
        sink?.flush(within: limit) ?? true
    }
}
