internal import Contracts
internal import Postgres
internal import Reactor

/// Does what `PaymentMachine` decides: asks the provider, writes down what it learned, reads the row.
///
/// Any number may work on one order at once, in any process, and any may die at any instant: what is
/// certain is in the database, and what is not is asked again with the same key.
struct Settlement: Sendable {
    /// How one attempt ended, with the row it ended on.
    struct Settled: Sendable {
        let outcome: PaymentMachine.Outcome
        let payment: Payment
        /// Why nobody knows, if nobody knows; for the log.
        var reason: String?
    }

    /// A known result is written down even if the caller's deadline has passed meanwhile.
    static let recordingTime = Duration.seconds(3)
    /// More steps than any path through the machine takes; beyond is a bug, not weather.
    static let maxSteps = 40

    let store: PaymentStore
    let provider: any ChargeProvider

    /// Takes the money once, or says why not.
    ///
    /// - Throws: what kept the database from answering; asking again is always safe.
    func charge(_ order: OrderID, _ request: ChargeRequest) async throws(DatabaseError) -> Settled {
        let payment = try await store.begin(order, request)
        // A tombstone knows no amount, so it is answered before amounts are compared.
        guard payment.customer == nil || payment.matches(request) else {
            return Settled(outcome: .mismatch, payment: payment)
        }
        return try await settle(payment, for: .charge)
    }

    /// Takes no money, or gives every cent back; and refuses every later charge.
    ///
    /// - Throws: what kept the database from answering; asking again is always safe.
    func void(_ order: OrderID) async throws(DatabaseError) -> Settled {
        try await settle(try await store.beginVoid(order), for: .void)
    }

    private func settle(
        _ found: Payment,
        for purpose: PaymentMachine.Purpose
    ) async throws(DatabaseError) -> Settled {
        var payment = found
        var reason: String?
        var machine = PaymentMachine(purpose)
        var action = machine.handle(.found(payment))
        for _ in 0..<Self.maxSteps {
            switch action {
            case .answer(let outcome):
                return Settled(outcome: outcome, payment: payment, reason: reason)
            case .record(let change):
                payment = try await record(change, of: payment)
                action = machine.handle(.found(payment))
            case .pause:
                payment = try await lookAgain(payment, pauses: machine.pauses)
                action = machine.handle(.found(payment))
            case .charge, .lookUp, .fence, .cancel, .refund:
                let answer = await ask(action, about: payment)
                if case .unknown(let why) = answer { reason = why }
                action = machine.handle(PaymentMachine.Event(answer))
            }
        }
        return Settled(outcome: .unknown, payment: payment, reason: "too many steps")
    }

    private func ask(
        _ action: PaymentMachine.Action,
        about payment: Payment
    ) async -> ProviderAnswer {
        switch action {
        case .charge: await provider.charge(payment)
        case .lookUp: await provider.lookUp(payment)
        case .fence: await provider.fence(payment)
        case .cancel(let intent): await provider.cancel(intent: intent, of: payment)
        case .refund: await provider.refund(payment)
        case .record, .pause, .answer: .unknown("not a question for the provider")
        }
    }

    private func record(
        _ change: PaymentChange,
        of payment: Payment
    ) async throws(DatabaseError) -> Payment {
        let result: Result<Payment, DatabaseError> =
            await Deadline.$current.withValue(.after(Self.recordingTime)) {
                do throws(DatabaseError) {
                    return .success(try await store.record(change, of: payment))
                } catch {
                    return .failure(error)
                }
            }
        return try result.get()
    }

    /// Lets a rival finish: 20 ms, then twice as long each time, with jitter.
    private func lookAgain(
        _ payment: Payment,
        pauses: Int
    ) async throws(DatabaseError) -> Payment {
        let longest = Int64(20 << min(pauses, 5))
        do throws(SocketError) {
            let pause = Int64.random(in: longest / 2...longest)
            try await EventLoop.sleep(for: .milliseconds(pause))
        } catch {
            throw .cancelled
        }
        return try await store.find(payment.order) ?? payment
    }
}

extension PaymentMachine.Event {
    /// What a row says.
    fileprivate static func found(_ payment: Payment) -> PaymentMachine.Event {
        .found(payment.status, keyIsFresh: payment.keyIsFresh)
    }
    /// What an answer of the provider teaches; why it taught nothing is for the log alone.
    fileprivate init(_ answer: ProviderAnswer) {
        self =
            switch answer {
            case .charged(let intent): .charged(intent: intent)
            case .declined(let code): .declined(code: code)
            case .fenced(let intent): .fenced(intent: intent)
            case .keyTaken: .keyTaken
            case .absent: .absent
            case .cancelled: .cancelled
            case .refunded(let refund): .refunded(refund: refund)
            case .busy: .busy
            case .unknown: .unknown
            }
    }
}
