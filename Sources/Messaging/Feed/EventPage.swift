/// What `GET /events` answers.
struct EventPage: Sendable, Codable {
    /// In the order they take effect; never one twice, never one late.
    let events: [CloudEvent]
    /// Ask after this for what follows; opaque.
    let next: String
    /// What lies behind `next`; releases before did not say.
    let behind: Backlog?
}
