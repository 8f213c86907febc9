/// The payment provider, as a payment needs it.
///
/// No call throws: what went wrong is an answer too, mostly `.unknown`. Each may be repeated as often
/// as need be; its idempotency key is derived from the payment's id.
protocol ChargeProvider: Sendable {
    /// Takes the money, or says what an earlier call with the same key did.
    func charge(_ payment: Payment) async -> ProviderAnswer
    /// Looks for a charge of the payment's order that succeeded, without any key.
    func lookUp(_ payment: Payment) async -> ProviderAnswer
    /// Binds the charge's key to an intent that is never confirmed, so that no charge with it succeeds.
    func fence(_ payment: Payment) async -> ProviderAnswer
    /// Cancels the fence's intent.
    func cancel(intent: String, of payment: Payment) async -> ProviderAnswer
    /// Gives everything back.
    func refund(_ payment: Payment) async -> ProviderAnswer
}
