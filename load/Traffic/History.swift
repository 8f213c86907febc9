internal import CZlib
internal import Glibc
internal import HTTP
internal import Reactor
internal import Synchronization
internal import Witness

extension HistoryLine {
    /// Reads what an answer means.
    init(_ kind: Kind, customer: String, key: String, start: Deadline, _ answer: Answer) {
        let isOrder = answer.status.map { $0 < 300 } ?? false
        self.init(
            start: Int(start.nanoseconds / 1000),
            end: Int(Deadline.now.nanoseconds / 1000),
            customer: customer,
            key: key,
            kind: kind,
            outcome: Self.outcome(kind, answer.status, problem: answer.body?["type"]?.string),
            status: answer.status,
            order: answer.order,
            state: isOrder ? answer.body?["status"]?.string : nil,
            digest: answer.digest
        )
    }

    /// What a status means.
    ///
    /// A refusal that names its reason is definite; 503 and the like are not, and
    /// neither is the 409 of an order that is still being placed.
    static func outcome(_ kind: Kind, _ status: Int?, problem: String?) -> Outcome {
        guard let status else { return .unknown }
        switch (kind, status) {
        case (_, 200..<300): return .ok
        case (.read, 404): return .fail
        case (.read, _), (.cancel, _): return .unknown
        case (.checkout, 409): return problem == "/problems/order-pending" ? .unknown : .fail
        case (.checkout, 504):
            return problem == "/problems/order-timed-out" ? .fail : .unknown
        case (.checkout, 408), (.checkout, 425): return .unknown
        case (.checkout, 400..<500): return .fail
        default: return .unknown
        }
    }
}

/// An answer as far as a history goes into it.
struct Answer: Sendable {
    /// Nil when none came, or not all of it.
    let status: Int?
    let body: JSONValue?

    static let none = Answer(status: nil, body: nil)

    /// The status, for a tally.
    var outcome: String { status.map { String($0) } ?? "no answer" }

    /// The order it is about.
    var order: String? { (body?["id"] ?? body?["order_id"])?.string }

    /// The same for the same content.
    ///
    /// Left out is what a repeated answer says anew: the trace.
    var digest: UInt32? {
        guard case .object(var members) = body else { return nil }
        members["trace_id"] = nil
        guard let bytes = try? JSON.encode(members) else { return nil }
        // Safe: the array is lent for the call.
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            UInt32(truncatingIfNeeded: unsafe crc32(0, buffer.baseAddress, UInt32(buffer.count)))
        }
    }
}

/// A history's file: lines are written as they come, and none is kept.
final class History: Sendable {
    /// What is held back to be written together.
    private static let maxBuffered = 1 << 16

    private struct State {
        var buffer: [UInt8] = []
        var error: String?
    }

    private let descriptor: Int32
    private let path: String
    private let state = Mutex(State())

    /// Begins a new file; an old one is replaced.
    ///
    /// - Throws: when the file cannot be written.
    init(_ path: String) throws {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        self.path = path
        guard descriptor >= 0 else {
            throw Shop.Failed(description: "cannot write the history \(path): errno \(errno)")
        }
    }

    /// Adds a line.
    func record(_ line: HistoryLine) {
        guard let bytes = try? JSON.encode(line) else { return }
        state.withLock { state in
            state.buffer += bytes
            state.buffer.append(UInt8(ascii: "\n"))
            if state.buffer.count >= Self.maxBuffered { write(&state) }
        }
    }

    /// Writes what is held back.
    ///
    /// - Throws: when any line could not be written: a history with holes proves nothing.
    func close() throws {
        let error = state.withLock { state in
            write(&state)
            return state.error
        }
        _ = Glibc.close(descriptor)
        if let error {
            throw Shop.Failed(description: "the history \(path) is not whole: \(error)")
        }
    }

    private func write(_ state: inout State) {
        var written = 0
        while written < state.buffer.count {
            // Safe: the array is lent for the call, which reads at most the rest of it.
            let count = unsafe state.buffer[written...].withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                state.error = "errno \(errno)"
                break
            }
            written += count
        }
        state.buffer.removeAll(keepingCapacity: true)
    }
}
