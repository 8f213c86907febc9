/// Small pieces of many connections that leave together at the end of the loop's turn.
///
/// Each `send` on a machine with idle processors wakes whoever reads, which costs more than the copy; sent
/// one right behind the other, the first one wakes the reader and the others find it awake. Between the
/// first and the last of a turn lies as much as the loop does in one: bounded, because a full bag is
/// sent at once.
struct Postbag {
    /// What is waiting for one connection.
    struct Letter {
        let stream: Stream
        let start: Int
        let end: Int
    }

    /// The longest piece that is worth a copy.
    static let longest = 16_384
    private static let mostLetters = 32
    private static let mostBytes = 65_536

    private(set) var bytes: [UInt8] = []
    private(set) var letters: [Letter] = []

    var isEmpty: Bool { letters.isEmpty }

    /// Whether more should not wait.
    var isFull: Bool { letters.count >= Self.mostLetters || bytes.count >= Self.mostBytes }

    /// Adds both parts as one letter.
    mutating func add(_ head: [UInt8], _ body: [UInt8], for stream: Stream) {
        let start = bytes.count
        bytes.append(contentsOf: head)
        bytes.append(contentsOf: body)
        letters.append(Letter(stream: stream, start: start, end: bytes.count))
    }

    /// Forgets what was sent, and keeps the room for the next turn's.
    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        letters.removeAll(keepingCapacity: true)
    }
}
