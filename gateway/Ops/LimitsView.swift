/// The rate limits as operators see them: how full their tables are.
struct LimitsView: Encodable {
    /// One table of buckets.
    struct Table: Encodable, Equatable {
        /// How many may come at once, and seconds until as many may come again.
        let burst: Int
        let seconds: Double
        /// Clients that are remembered, the most there can be, and the bytes that they take.
        let clients: Int
        let capacity: Int
        let bytes: Int

        init<Key>(_ table: BucketTable<Key>) {
            burst = table.policy.quota
            seconds = table.policy.window / .seconds(1)
            clients = table.count
            capacity = table.capacity
            bytes = table.bytes
        }
    }

    /// Live gateways; each lets its share of every limit through.
    let gateways: Int
    /// How much of their share priorities get while higher ones are refused.
    let yielding: [String: Double]
    let groups: [String: [String: Table]]
}
