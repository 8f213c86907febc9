internal import FoundationEssentials
internal import HTTP
internal import Postgres

/// An object's metadata as it is stored: JSON text, keys sorted.
struct Metadata: PostgresValue {
    let entries: [String: String]

    init(_ entries: [String: String]) {
        self.entries = entries
    }

    static var postgresType: PostgresType { String.postgresType }

    func encode(into bytes: inout [UInt8]) -> Bool {
        text.encode(into: &bytes)
    }

    var text: String {
        // A map of strings is always encodable.
        (try? JSON.encode(entries)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    static func decode(_ cell: borrowing Cell) throws(DatabaseError) -> Metadata {
        let text = try String.decode(cell)
        guard
            let entries = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        else { throw .decoding("metadata is not a map of strings") }
        return Metadata(entries)
    }
}
