internal import CPostgres
internal import Glibc

/// One PGconn: libpq's calls in Swift's terms, without any waiting.
///
/// Safe: the pointer is valid from `start` until `finish`, which the owner calls once and last, and
/// libpq copies whatever a call is given before the call returns. Used on one loop's thread alone.
@safe struct Wire {
    private let pointer: OpaquePointer

    enum Polling { case reading, writing, done, failed }

    /// What one call of `PQgetResult` brought.
    enum Reply {
        case rows(ResultSet)
        case failed(ServerError)
        case aborted
        case sync
        /// COPY or another protocol that nobody here asked for.
        case unexpected
        /// The end of one command's results.
        case end
    }

    /// Starts to connect; nil when libpq has no memory.
    ///
    /// Poll it even if it has already failed.
    static func start(_ values: [String: String]) -> Wire? {
        let pairs = values.sorted { $0.key < $1.key }
        let keywords = unsafe pairs.map { unsafe strdup($0.key) } + [nil]
        let settings = unsafe pairs.map { unsafe strdup($0.value) } + [nil]
        defer {
            unsafe (keywords + settings).forEach { unsafe free($0) }
        }
        let pointer = unsafe keywords.withUnsafeBufferPointer { keys in
            unsafe settings.withUnsafeBufferPointer { values in
                // A char** where libpq wants a const char* const*: same layout, read only.
                unsafe keys.withMemoryRebound(to: UnsafePointer<CChar>?.self) { keys in
                    unsafe values.withMemoryRebound(to: UnsafePointer<CChar>?.self) { values in
                        unsafe PQconnectStartParams(keys.baseAddress, values.baseAddress, 0)
                    }
                }
            }
        }
        guard let pointer = unsafe pointer else { return nil }
        // Notices would go to standard error, which belongs to the log.
        unsafe PQsetNoticeReceiver(pointer, { _, _ in }, nil)
        return unsafe Wire(pointer: pointer)
    }

    func finish() { unsafe PQfinish(pointer) }

    var descriptor: Int32 { unsafe PQsocket(pointer) }
    var isBad: Bool { unsafe PQstatus(pointer) == CONNECTION_BAD }
    var serverProcess: Int32 { unsafe PQbackendPID(pointer) }

    /// libpq's last message.
    ///
    /// It can quote connection settings: redact it.
    var message: String {
        guard let text = unsafe PQerrorMessage(pointer) else { return "" }
        return unsafe String(cString: text)
    }

    func poll() -> Polling {
        switch unsafe PQconnectPoll(pointer) {
        case PGRES_POLLING_READING: .reading
        case PGRES_POLLING_WRITING: .writing
        case PGRES_POLLING_OK: .done
        default: .failed
        }
    }

    /// Once connected: never blocks again, and pipelines.
    func enterPipeline() -> Bool {
        unsafe PQsetnonblocking(pointer, 1) == 0 && PQenterPipelineMode(pointer) == 1
    }

    func exitPipeline() -> Bool { unsafe PQexitPipelineMode(pointer) == 1 }

    // MARK: Sending; false means that the connection is broken

    func prepare(_ name: String, _ sql: String, types: [UInt32]) -> Bool {
        unsafe types.withUnsafeBufferPointer { types in
            unsafe PQsendPrepare(
                pointer,
                name,
                sql,
                Int32(clamping: types.count),
                types.baseAddress
            ) == 1
        }
    }

    func execute(_ name: String, _ parameters: Parameters) -> Bool {
        let count = parameters.count
        guard count > 0 else {
            return unsafe PQsendQueryPrepared(pointer, name, 0, nil, nil, nil, 1) == 1
        }
        return unsafe withUnsafeTemporaryAllocation(
            of: UnsafePointer<CChar>?.self,
            capacity: count
        ) { values in
            unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { numbers in
                unsafe parameters.bytes.withUnsafeBytes { bytes in
                    for (index, range) in parameters.ranges.enumerated() {
                        let start = unsafe range.flatMap { range in
                            unsafe bytes.baseAddress?.advanced(by: range.lowerBound)
                        }
                        unsafe values.initializeElement(
                            at: index,
                            to: start?.assumingMemoryBound(to: CChar.self)
                        )
                        unsafe numbers.initializeElement(
                            at: index,
                            to: Int32(clamping: range?.count ?? 0)
                        )
                        // Format 1: binary.
                        unsafe numbers.initializeElement(at: count + index, to: 1)
                    }
                    return unsafe PQsendQueryPrepared(
                        pointer,
                        name,
                        Int32(clamping: count),
                        values.baseAddress,
                        numbers.baseAddress,
                        numbers.baseAddress?.advanced(by: count),
                        1
                    ) == 1
                }
            }
        }
    }

    /// Sends text that takes no values and is not worth a name.
    func send(_ sql: String) -> Bool {
        unsafe PQsendQueryParams(pointer, sql, 0, nil, nil, nil, nil, 1) == 1
    }

    /// Sends several statements at once, outside pipeline mode.
    func sendScript(_ sql: String) -> Bool { unsafe PQsendQuery(pointer, sql) == 1 }

    func sync() -> Bool { unsafe anyway_pipeline_sync(pointer) == 1 }

    /// Writes what is buffered: nil when the connection broke, false when some of it must wait.
    func flush() -> Bool? {
        switch unsafe PQflush(pointer) {
        case 0: true
        case 1: false
        default: nil
        }
    }

    // MARK: Receiving

    /// Reads what the socket has, up to libpq's buffer; false when the connection broke.
    func consume() -> Bool { unsafe PQconsumeInput(pointer) == 1 }

    /// Whether the socket holds more: libpq does not say whether it read to the end, and an
    /// edge-triggered watcher reports bytes once.
    var hasMore: Bool { isReady(POLLIN) }

    /// Whether the socket takes bytes, which includes that an attempt to connect has ended.
    var isWritable: Bool { isReady(POLLOUT) }

    private func isReady(_ events: Int32) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return unsafe Glibc.poll(&request, 1, 0) > 0
    }

    /// Whether the next reply would have to be waited for.
    var isBusy: Bool { unsafe PQisBusy(pointer) == 1 }

    func next() -> Reply {
        guard let result = unsafe PQgetResult(pointer) else { return .end }
        switch unsafe PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            return unsafe .rows(ResultSet(owning: result))
        case PGRES_PIPELINE_SYNC:
            unsafe PQclear(result)
            return .sync
        case PGRES_PIPELINE_ABORTED:
            unsafe PQclear(result)
            return .aborted
        case PGRES_FATAL_ERROR:
            defer { unsafe PQclear(result) }
            return unsafe .failed(Self.error(in: result))
        default:
            unsafe PQclear(result)
            return .unexpected
        }
    }

    private static func error(in result: OpaquePointer) -> ServerError {
        func field(_ text: UnsafePointer<CChar>?) -> String? {
            unsafe text.map { unsafe String(cString: $0) }
        }
        let severity = unsafe field(anyway_severity(result))
        // An error that libpq made up, because the connection broke, has no state.
        let sqlState = unsafe field(anyway_sqlstate(result))
        return unsafe ServerError(
            sqlState: sqlState ?? "08006",
            message: field(anyway_message(result)) ?? "connection lost",
            constraint: field(anyway_constraint(result)),
            table: field(anyway_table(result)),
            column: field(anyway_column(result)),
            endsSession: severity == "FATAL" || severity == "PANIC",
            isMadeUp: sqlState == nil
        )
    }

    // MARK: Cancelling

    /// A request to cancel whatever the server runs for this connection.
    func cancellation() -> Cancellation? {
        guard let request = unsafe PQgetCancel(pointer) else { return nil }
        return unsafe Cancellation(owning: request)
    }
}

/// Owns one PGcancel.
///
/// `@unchecked Sendable`: libpq documents that a PGcancel may be used from any thread; it is a copy
/// of what the request needs, used once and freed with this object.
@safe final class Cancellation: @unchecked Sendable {
    private let request: OpaquePointer

    init(owning request: OpaquePointer) {
        unsafe self.request = unsafe request
    }

    deinit {
        unsafe PQfreeCancel(request)
    }

    /// Connects to the server and asks; blocks, so it belongs on the blocking pool.
    func send() {
        _ = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
            unsafe PQcancel(request, message.baseAddress, 256)
        }
    }
}
