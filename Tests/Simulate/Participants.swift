import Sagas

/// What the order service asks of a participant.
enum Request {
    case reserve, release, charge, refund
}

/// What reaches the driver of a saga.
enum SagaAnswer {
    case done, refusedStock, refusedCard, unknown, fenced
    case reclaimed(SagaMachine.Phase, epoch: Int)
}

/// The product service's row of the order, and the one item in stock.
struct StockModel {
    enum Reservation { case none, held, short, released }

    let guards: Guards
    var reservation = Reservation.none
    var available: Int

    mutating func reserve() -> SagaAnswer {
        switch reservation {
        case .held: return .done
        case .short, .released: return .refusedStock
        case .none:
            guard available > 0 else {
                reservation = .short
                return .refusedStock
            }
            available -= 1
            reservation = .held
            return .done
        }
    }

    mutating func release() -> SagaAnswer {
        if reservation == .held { available += 1 }
        // Without a tombstone there is no row to leave behind.
        if reservation != .none || guards.contains(.tombstones) { reservation = .released }
        return .done
    }
}

/// The payment service's row, and what the provider knows; each access is one transaction there.
struct PaymentModel {
    enum Row { case none, processing, captured, declined, voiding, voided, refunding, refunded }
    enum Key { case unused, charged, declined, fenced }

    let guards: Guards
    let declines: Bool
    var row = Row.none
    var key = Key.unused
    var charges = 0
    var refunds = 0

    /// The provider is asked to charge under the payment's key.
    mutating func providerCharge() -> Key {
        if key == .unused || (key == .charged && !guards.contains(.providerKeys)) {
            key = declines ? .declined : .charged
            if !declines { charges += 1 }
        }
        return key
    }

    /// The provider is asked to occupy the key, so that no charge can come after.
    mutating func providerFence() -> Key {
        if key == .unused, guards.contains(.tombstones) { key = .fenced }
        return key
    }

    mutating func providerRefund() {
        // A refund carries a key of its own: asked again, the provider remembers.
        refunds = max(refunds, charges > 0 ? 1 : 0)
    }

    /// Changes the row if it is still what the change starts from.
    mutating func swap(_ from: Row, for next: Row) -> Bool {
        guard row == from else { return false }
        row = next
        return true
    }
}

/// A request that the payment service works on, and how far it is.
struct PaymentWork {
    /// A record says what the provider was asked, and so what its answer is an answer to.
    enum Stage {
        case read, askCharge, askFence, askRefund
        case recordCharge(PaymentModel.Key), recordFence(PaymentModel.Key), recordRefund
    }

    let isCharge: Bool
    let drive: Int
    let token: Int
    var stage = Stage.read
}

extension PaymentModel {
    /// What a stage leads to: an answer, or another stage.
    enum Progress {
        case answer(SagaAnswer)
        case next(PaymentWork.Stage)
    }

    /// One stage of a charge: read or insert the row, ask the provider, record what it said.
    mutating func charge(_ stage: PaymentWork.Stage) -> Progress {
        switch stage {
        case .read:
            if row == .none { row = .processing }
            switch row {
            case .processing: return .next(.askCharge)
            case .captured: return .answer(.done)
            default: return .answer(.refusedCard)
            }
        case .askCharge: return .next(.recordCharge(providerCharge()))
        case .recordCharge(.charged):
            return swap(.processing, for: .captured) ? .answer(.done) : .next(.read)
        case .recordCharge(.declined):
            return swap(.processing, for: .declined) ? .answer(.refusedCard) : .next(.read)
        default: return .answer(.unknown)
        }
    }

    /// One stage of a refund: decide in the row, fence or refund at the provider, record.
    mutating func refund(_ stage: PaymentWork.Stage) -> Progress {
        switch stage {
        case .read: return decideRefund()
        case .askFence: return .next(.recordFence(providerFence()))
        case .askRefund:
            providerRefund()
            return .next(.recordRefund)
        case .recordFence(.charged):
            // The charge was faster: what it took is given back.
            _ = swap(.voiding, for: .refunding)
            return .next(.read)
        case .recordFence:
            return swap(.voiding, for: .voided) ? .answer(.done) : .next(.read)
        case .recordRefund:
            return swap(.refunding, for: .refunded) ? .answer(.done) : .next(.read)
        default: return .answer(.unknown)
        }
    }

    private mutating func decideRefund() -> Progress {
        switch row {
        case .none:
            if guards.contains(.tombstones) { row = .voided }
            return .answer(.done)
        case .processing:
            row = guards.contains(.voidIntent) ? .voiding : .voided
            return row == .voided ? .answer(.done) : .next(.askFence)
        case .captured:
            row = .refunding
            return .next(.askRefund)
        case .voiding: return .next(.askFence)
        case .refunding: return .next(.askRefund)
        case .declined, .voided, .refunded: return .answer(.done)
        }
    }
}
