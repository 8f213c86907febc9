/// An intent whose `latest_charge` is the charge itself instead of its id: `expand[]=latest_charge`.
struct ExpandedIntent: Sendable, Encodable {
    let intent: PaymentIntent
    let charge: Charge?

    private enum Key: String, CodingKey { case latestCharge = "latest_charge" }

    func encode(to encoder: any Encoder) throws {
        try intent.encode(to: encoder)
        guard let charge else { return }
        var out = encoder.container(keyedBy: Key.self)
        try out.encode(charge, forKey: .latestCharge)
    }
}
