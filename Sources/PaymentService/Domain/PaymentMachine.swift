/// Decides what happens to one payment; a thin shell (`Settlement`) does it and reports back.
///
/// The machine never trusts its own idea of the status: every change it asks for is a compare and
/// swap in the database, and what the row says afterwards comes back as `.found`. Two machines that
/// race for one order therefore agree, whoever wins.
struct PaymentMachine: Sendable, Equatable {
    /// What the caller wants.
    enum Purpose: Sendable, CaseIterable {
        /// The money taken, once.
        case charge
        /// No money taken, or every cent back; and no charge afterwards.
        case void
    }

    /// What was learned.
    enum Event: Sendable, Equatable {
        /// The row's status, as committed, and whether the provider remembers the payment's key.
        case found(PaymentStatus, keyIsFresh: Bool = true)
        /// The provider took the money.
        case charged(intent: String)
        /// The provider refused definitely.
        case declined(code: String)
        /// The charge's key belongs to our fence: no charge with it can ever succeed.
        case fenced(intent: String)
        /// The charge's key is used by another request with other parameters.
        case keyTaken
        /// The provider has no successful charge for this order.
        case absent
        /// The fence's intent is cancelled at the provider.
        case cancelled
        /// The provider gave the money back.
        case refunded(refund: String)
        /// Somebody else's request with this key is being worked on.
        case busy
        /// No answer, or one that does not say what happened.
        case unknown
    }

    /// What to do next.
    enum Action: Sendable, Equatable {
        /// Ask the provider to charge, or what it did: same key, same parameters.
        case charge
        /// Look for a successful charge of this order: its key may be forgotten.
        case lookUp
        /// Occupy the charge's key with an intent that is never confirmed.
        case fence
        /// Cancel the fence's intent.
        case cancel(intent: String)
        /// Ask the provider to give everything back.
        case refund
        /// Commit this change if the row still has the status it starts from, then read the row.
        case record(PaymentChange)
        /// Wait a little, then read the row.
        case pause
        /// Tell the caller.
        case answer(Outcome)
    }

    /// How it ended, for the caller.
    enum Outcome: Sendable, Equatable {
        case captured, declined, voided, refunded
        /// The order is being charged for something else than before.
        case mismatch
        /// A charge that came after the decision to void.
        case refusedByVoid
        /// Nobody knows yet; the caller asks again.
        case unknown
    }

    /// How often one caller waits for a rival before it is told to come back.
    static let maxPauses = 6

    let purpose: Purpose
    private(set) var status: PaymentStatus
    private(set) var pauses = 0

    /// Starts before anything is known of the row; the first event is `.found`.
    init(_ purpose: Purpose) {
        self.purpose = purpose
        self.status = .processing
    }

    /// Takes what was learned, says what to do.
    mutating func handle(_ event: Event) -> Action {
        switch event {
        case .found(let status, let keyIsFresh):
            self.status = status
            let action = purpose == .charge ? chargeFound() : voidFound()
            // Under a forgotten key the provider would charge a second time, or fence in vain.
            return !keyIsFresh && (action == .charge || action == .fence) ? .lookUp : action
        case .busy:
            guard pauses < Self.maxPauses else { return .answer(.unknown) }
            pauses += 1
            return .pause
        case .unknown:
            return .answer(.unknown)
        case .charged, .declined, .fenced, .keyTaken, .absent, .cancelled, .refunded:
            return learned(event)
        }
    }

    private func chargeFound() -> Action {
        switch status {
        case .processing: .charge
        case .captured: .answer(.captured)
        case .declined: .answer(.declined)
        case .voiding, .voided, .refunding, .refunded: .answer(.refusedByVoid)
        }
    }

    private func voidFound() -> Action {
        switch status {
        // Decide first, in a commit of its own: from here on no charge can end as captured.
        case .processing: .record(.startVoid)
        case .captured: .record(.startRefund)
        case .voiding: .fence
        case .refunding: .refund
        // Declined is as good as voided: nothing was taken, and the row refuses every later charge.
        case .declined, .voided: .answer(.voided)
        case .refunded: .answer(.refunded)
        }
    }

    private mutating func learned(_ event: Event) -> Action {
        switch (purpose, status, event) {
        case (.charge, .processing, .charged(let intent)):
            return .record(.capture(intent: intent))
        case (.charge, .processing, .declined(let code)):
            return .record(.decline(code: code))
        case (.charge, .processing, .keyTaken):
            // A void fenced the key between our read and our call: its decision is in the row.
            return handle(.busy)
        case (.charge, .processing, .absent):
            return .charge
        case (.void, .voiding, .absent):
            return .fence
        case (.void, .voiding, .fenced(let intent)):
            return .cancel(intent: intent)
        case (.void, .voiding, .cancelled):
            return .record(.void(code: nil))
        case (.void, .voiding, .keyTaken):
            // The charge got there first: ask what became of it.
            return .charge
        case (.void, .voiding, .charged(let intent)):
            return .record(.captureToRefund(intent: intent))
        case (.void, .voiding, .declined(let code)):
            return .record(.void(code: code))
        case (.void, .refunding, .refunded(let refund)):
            return .record(.refund(refund: refund))
        default:
            // An answer to a question that was not asked proves nothing.
            return .answer(.unknown)
        }
    }
}
