/// One try to take money from a card.
struct Charge: Sendable, Equatable {
    enum Status: String, Sendable, Encodable {
        case succeeded, failed
    }

    let id: String
    let intent: String
    let amount: Int64
    var amountRefunded: Int64
    let currency: String
    let status: Status
    let created: Int64

    /// What can still be given back.
    var refundable: Int64 { status == .succeeded ? amount - amountRefunded : 0 }
}
