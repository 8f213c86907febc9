internal import CZlib
internal import Reactor

/// Compresses a content piece by piece into the gzip format (RFC 1952).
///
/// It holds zlib's 256 KiB and, while it works, one piece's output.
///
/// Safe to send (`@unchecked Sendable`): one task uses it at a time, the one that writes the content.
/// `unsafe` throughout is C's pointers: `stream` is heap memory owned from init to deinit, because
/// zlib keeps its address, and buffers are lent to zlib for one call.
@safe final class GzipEncoder: @unchecked Sendable {
    private let stream: UnsafeMutablePointer<z_stream>
    private var isUsable: Bool

    /// What follows the bytes of one call.
    enum Ending: Sendable {
        /// More; output may be held back.
        case none
        /// Everything so far must come out.
        case flush
        /// The end of the content.
        case finish
    }

    init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // Level 5: nearly the size of 6 at three quarters of the time.
        isUsable = unsafe anyway_gzip_start(stream, 5) == Z_OK
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deinitialize(count: 1)
        unsafe stream.deallocate()
    }

    /// The compressed bytes that have come to be; nil when zlib has no memory.
    func encode(_ bytes: [UInt8], _ ending: Ending) -> [UInt8]? {
        guard isUsable else { return nil }
        let mode =
            switch ending {
            case .none: Z_NO_FLUSH
            case .flush: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        var output: [UInt8] = []
        var bytes = bytes
        var failed = false
        unsafe bytes.withUnsafeMutableBufferPointer { input in
            unsafe stream.pointee.next_in = input.baseAddress
            unsafe stream.pointee.avail_in = UInt32(clamping: input.count)
            repeat {
                let space = max(1024, input.count / 2 + 64)
                let piece = unsafe [UInt8](unsafeUninitializedCapacity: space) { room, count in
                    unsafe stream.pointee.next_out = room.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(space)
                    let result = unsafe deflate(stream, mode)
                    failed = result == Z_STREAM_ERROR
                    count = unsafe space - Int(stream.pointee.avail_out)
                }
                output += piece
                // Room left over means that nothing more is waiting inside.
            } while unsafe !failed && stream.pointee.avail_out == 0
        }
        if failed || ending == .finish { isUsable = false }
        return failed ? nil : output
    }
}

/// Compresses a streamed content on its way to the client.
final class GzipWriter: BodyWriter, Sendable {
    private let next: any BodyWriter
    private let encoder = GzipEncoder()

    init(_ next: any BodyWriter) { self.next = next }

    var isDraining: Bool { next.isDraining }

    func write(_ bytes: [UInt8]) async throws(SocketError) {
        try await pass(bytes, .none)
    }

    func flush() async throws(SocketError) {
        try await pass([], .flush)
        try await next.flush()
    }

    func finish() async throws(SocketError) { try await pass([], .finish) }

    private func pass(_ bytes: [UInt8], _ ending: GzipEncoder.Ending) async throws(SocketError) {
        guard let output = encoder.encode(bytes, ending) else { throw .closed }
        try await next.write(output)
    }
}
