internal import HTTP
internal import Identity
internal import Reactor

/// Reads the order service's events as a consumer does: with a consumer's certificate.
struct EventReader: Sendable {
    /// What an event says of its place, in the order of the feed.
    struct Event: Sendable, Equatable {
        let type: String
        let subject: String
        let sequence: Int
        /// The hybrid logical clock's reading.
        let hlc: Int64

        init(type: String, subject: String, sequence: Int, hlc: Int64) {
            self.type = type
            self.subject = subject
            self.sequence = sequence
            self.hlc = hlc
        }

        /// Reads one of a page; nil when it is none.
        init?(_ json: JSONValue) {
            guard let type = json["type"]?.string, let subject = json["subject"]?.string,
                let sequence = (json["sequence"]?.string).flatMap({ Int($0) }),
                let hlc = (json["hlc"]?.string).flatMap({ Int64($0) })
            else { return nil }
            self.init(type: type, subject: subject, sequence: sequence, hlc: hlc)
        }
    }

    private let endpoint: Endpoint

    /// - Throws: `TLSError` when the certificate cannot be used.
    init(_ order: SocketAddress, _ credentials: TLSConfiguration) throws {
        endpoint = Endpoint(
            order,
            tls: try TLSContext.client(credentials),
            identity: "spiffe://anyway/order"
        )
    }

    /// The place behind the newest event; nil when the feed does not answer.
    func newest() async -> String? { await page(after: "newest")?["next"]?.string }

    /// Everything behind a place that is there now.
    func events(after place: String) async -> [Event] {
        await Self.events(after: place) { await page(after: $0) }
    }

    /// Reads page by page until as many events came as were there at the first look.
    ///
    /// A page may be short because its events are long, so that alone ends nothing; and under load
    /// another event has come each time.
    static func events(
        after place: String,
        _ page: (String) async -> JSONValue?
    ) async -> [Event] {
        var events: [Event] = []
        var (place, seen) = (place, 0)
        var due: Int?
        while let page = await page(place), let next = page["next"]?.string {
            let found = page["events"]?.array ?? []
            events += found.compactMap { Event($0) }
            seen += found.count
            let all = due ?? found.count + Int(page["behind"]?["events"]?.integer ?? 0)
            guard !found.isEmpty, seen < all else { break }
            (place, due) = (next, all)
        }
        return events
    }

    private func page(after place: String) async -> JSONValue? {
        let request = ClientRequest(.get, "/events?after=\(place)&limit=500")
        do throws(ClientError) {
            let response = try await HTTPClient().send(
                request,
                to: endpoint,
                until: .after(.seconds(5))
            )
            guard response.status == .ok else { return nil }
            return try await response.json(JSONValue.self, limit: 4 << 20)
        } catch {
            return nil
        }
    }
}
