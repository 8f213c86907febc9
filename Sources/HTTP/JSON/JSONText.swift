internal import CYajl

/// Writes a tree as text: every quote, escape and comma is yajl's.
///
/// Safe: the generator belongs to one call of `write`, which frees it, and each string is lent to it
/// for the length of a call.
@safe struct JSONText: ~Copyable {
    /// What yajl refuses: a tree deeper than it can keep account of.
    struct TooDeep: Error {}

    private let generator: yajl_gen

    /// The text of a tree, members in the order of their keys.
    static func write(_ node: JSONNode) throws(TooDeep) -> [UInt8] {
        guard let generator = unsafe yajl_gen_alloc(nil) else { throw TooDeep() }
        let text = unsafe JSONText(generator: generator)
        try text.append(node)
        return text.bytes
    }

    private init(generator: yajl_gen) { unsafe self.generator = generator }

    deinit { unsafe yajl_gen_free(generator) }

    private var bytes: [UInt8] {
        var start: UnsafePointer<UInt8>?
        var count = 0
        guard unsafe yajl_gen_get_buf(generator, &start, &count) == yajl_gen_status_ok else {
            return []
        }
        return unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    }

    private func append(_ node: JSONNode) throws(TooDeep) {
        switch node {
        case .missing:
            try check(unsafe yajl_gen_map_open(generator))
            try check(unsafe yajl_gen_map_close(generator))
        case .null: try check(unsafe yajl_gen_null(generator))
        case .bool(let value): try check(unsafe yajl_gen_bool(generator, value ? 1 : 0))
        case .integer(let value): try append(integer: value)
        case .number(let text): try append(number: text)
        case .string(let text): try append(string: text)
        case .container(let container) where container.isObject:
            try check(unsafe yajl_gen_map_open(generator))
            let members = container.sorted
            // A span, because an element of an array is copied before it is passed on.
            let span = members.span
            for index in span.indices {
                try append(string: span[index].key)
                try append(span[index].node)
            }
            try check(unsafe yajl_gen_map_close(generator))
        case .container(let container):
            try check(unsafe yajl_gen_array_open(generator))
            let members = container.members
            let span = members.span
            for index in span.indices { try append(span[index].node) }
            try check(unsafe yajl_gen_array_close(generator))
        }
    }

    private func append(string: String) throws(TooDeep) {
        let text = string.utf8Span.span
        try check(
            unsafe text.withUnsafeBufferPointer { bytes in
                unsafe yajl_gen_string(generator, bytes.baseAddress, bytes.count)
            }
        )
    }

    private func append(integer: Int) throws(TooDeep) {
        try check(DecimalDigits(integer).withSpan { number($0) })
    }

    private func append(number: String) throws(TooDeep) {
        try check(self.number(number.utf8Span.span))
    }

    private func number(_ text: Span<UInt8>) -> yajl_gen_status {
        unsafe text.withUnsafeBytes { bytes in
            let digits = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            return unsafe yajl_gen_number(generator, digits, bytes.count)
        }
    }

    /// Of all that yajl may say, only the depth can be at fault here.
    private func check(_ status: yajl_gen_status) throws(TooDeep) {
        guard status == yajl_gen_status_ok || status == yajl_gen_generation_complete else {
            throw TooDeep()
        }
    }
}
