internal import CZlib

/// Reads the gzip format (RFC 1952).
enum Gunzip {
    /// The content that was compressed; nil when the bytes are not gzip, are cut short, or hold more than
    /// `limit` bytes.
    static func decode(_ bytes: [UInt8], limit: Int = 1 << 20) -> [UInt8]? {
        // Safe throughout: zlib keeps `stream`'s address from start to end, all within this call, and
        // reads and writes no more than the buffers that are lent to it.
        var stream = unsafe z_stream()
        guard unsafe anyway_gunzip_start(&stream) == Z_OK else { return nil }
        defer { _ = unsafe inflateEnd(&stream) }
        var input = bytes
        var result = Z_OK
        let output = unsafe [UInt8](unsafeUninitializedCapacity: limit) { room, count in
            unsafe input.withUnsafeMutableBufferPointer { input in
                unsafe stream.next_in = input.baseAddress
                unsafe stream.avail_in = UInt32(clamping: input.count)
                unsafe stream.next_out = room.baseAddress
                unsafe stream.avail_out = UInt32(clamping: limit)
                result = unsafe inflate(&stream, Z_FINISH)
            }
            count = unsafe limit - Int(stream.avail_out)
        }
        return result == Z_STREAM_END ? output : nil
    }
}
