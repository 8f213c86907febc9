internal import HTTP

/// What sparing ways of asking save.
struct ThriftVerdict: Sendable, Equatable {
    /// One answer, and what it cost on the wire.
    struct Step: Sendable, Equatable {
        var status: Int
        /// What it is packed with.
        var coding: String?
        var sent: Int
        var received: Int

        init(status: Int, coding: String? = nil, sent: Int = 100, received: Int) {
            self.status = status
            self.coding = coding
            self.sent = sent
            self.received = received
        }

        init(_ answer: Wire.Answer, _ count: Relay.Count) {
            self.init(
                status: answer.status,
                coding: answer.headers["content-encoding"].map { "\($0)" },
                sent: count.sent,
                received: count.received
            )
        }
    }

    /// A page, and the same packed.
    var plain: Step
    var zipped: Step
    /// A product, and the same for who has it already.
    var whole: Step
    var same: Step
    /// A content that is too large, announced.
    var refused: Step

    /// Each is compared with the same answer, told in full; an error is short and saves nothing.
    var holds: Bool {
        let isWhole = plain.status == 200 && whole.status == 200
        let isPacked = zipped.status == 200 && zipped.coding == "gzip"
        return isWhole && isPacked && zipped.received * 2 <= plain.received
            && same.status == 304 && same.received * 2 <= whole.received
            && refused.status == 413 && refused.sent < 4096
    }

    /// The figures, a line for each.
    var text: String {
        [
            ("100 products", plain), ("the same with gzip", zipped), ("one product", whole),
            ("the same, which the client has", same), ("a checkout of 100 MB, announced", refused),
        ].map { what, step in
            "  \(Figure.name(what, 34))\(step.status)  \(Figure.padded("\(step.sent)", 6)) bytes sent, "
                + "\(Figure.padded("\(step.received)", 6)) received"
        }.joined(separator: "\n")
    }
}

/// What slow clients did to the others.
struct CrawlVerdict: Sendable, Equatable {
    let well: Tally
    let crawling: Tally
    /// Bytes that the slow readers took of pages they were given.
    let readBytes: Int
    /// Slow senders that were told 408.
    let lateSenders: Int
    let grownBytes: Int

    private static let mostGrowth = 64 << 20

    /// The slow must have been served for the rest to mean anything: half of what their pace allows.
    var holds: Bool {
        crawling.isServed(likeThoseOf: well)
            && readBytes * 2 >= SlowClients.mostRead
            && lateSenders == SlowClients.senders && grownBytes < Self.mostGrowth
    }

    /// The figures.
    var text: String {
        [
            well.line("undisturbed"), crawling.line("with slow clients"),
            "  the slow readers took \(readBytes / 1024) KiB of what they asked for; "
                + "the gateway's memory grew by \(grownBytes >> 20) MiB",
            "  \(lateSenders) of \(SlowClients.senders) slow senders were told 408",
        ].joined(separator: "\n")
    }
}
