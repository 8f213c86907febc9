internal import HTTP
internal import Reactor

extension Stage {
    /// How many checkouts in a row are to be confirmed.
    private static let enough = 8
    /// How long that may take: breakers that an earlier experiment opened need half a minute.
    private static let patience = Duration.seconds(60)

    /// Waits until the platform confirms checkout after checkout, so that what an experiment sees is its own
    /// doing and not what the one before left behind.
    ///
    /// - Throws: `Shop.Failed` with the last answer when it does not come to that.
    func settle() async throws {
        guard let customer = session.customers.first, !customer.products.isEmpty else { return }
        let end = Deadline.after(Self.patience)
        var (confirmed, last) = (0, "")
        while confirmed < Self.enough {
            guard !end.hasPassed else {
                throw Shop.Failed(
                    description: "\(platform.description) is not well, so nothing can be shown: "
                        + "checkouts should be 201, and the last one was \(last)"
                )
            }
            let key = "settle-\(UInt64.random(in: 0 ... .max))"
            let request = try customer.checkout(key, customer.products)
            let seen = await session.shop.see(request, as: customer.account)
            last = seen.outcome
            confirmed = seen.status == 201 ? confirmed + 1 : 0
            if confirmed == 0 { try await EventLoop.sleep(for: .milliseconds(500)) }
        }
    }
}
