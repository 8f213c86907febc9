import Sagas

/// The two sagas of an order.
enum SagaKind: Int, CaseIterable {
    case place, cancel

    var shape: SagaMachine.Shape {
        switch self {
        case .place: SagaMachine.Shape(steps: 2, finishing: 0)
        case .cancel: SagaMachine.Shape(steps: 0, finishing: 2)
        }
    }
}

/// What a customer sees of the order.
enum OrderStatus: Int {
    case absent, pending, confirmed, rejected, cancelling, cancelled

    /// Whether a customer who saw this one may see `next` later.
    func mayBecome(_ next: OrderStatus) -> Bool {
        switch (self, next) {
        case (.absent, .pending), (.pending, .confirmed), (.pending, .rejected),
            (.confirmed, .cancelling), (.cancelling, .cancelled):
            true
        default: self == next
        }
    }
}

/// A row of `saga_pending`.
struct SagaRow {
    var phase: SagaMachine.Phase
    var epoch: Int
    /// The replica and its incarnation.
    var driver: (replica: Int, incarnation: Int)
    var leasedUntil: Int
    let deadline: Int
    var attempts = 0
}

/// The order service's database: every change of it is one transaction.
struct OrderDatabase {
    let guards: Guards
    private(set) var status = OrderStatus.absent
    private(set) var rows: [SagaRow?] = [nil, nil]
    /// How often an outcome was published.
    private(set) var outcomes = 0
    private(set) var cancellations = 0
    private(set) var violation: String?
    /// The highest epoch that history was written in.
    private(set) var lastEpoch: Int?

    init(guards: Guards) {
        self.guards = guards
    }

    subscript(kind: SagaKind) -> SagaRow? {
        get { rows[kind.rawValue] }
        set { rows[kind.rawValue] = newValue }
    }

    /// Stores the order and its saga; false when a request with the same key was here before.
    mutating func place(driver: (Int, Int), now: Int) -> Bool {
        guard status == .absent else { return false }
        move(to: .pending)
        self[.place] = SagaRow(
            phase: .running,
            epoch: 1,
            driver: driver,
            leasedUntil: now + Times.lease,
            deadline: now + Times.checkoutDeadline
        )
        return true
    }

    /// Commits the decision to cancel; false when there is nothing to cancel any more.
    mutating func cancel(driver: (Int, Int), now: Int) -> Bool {
        guard status == .confirmed else { return false }
        move(to: .cancelling)
        self[.cancel] = SagaRow(
            phase: .finishing,
            epoch: 1,
            driver: driver,
            leasedUntil: now + Times.lease,
            deadline: now + Times.checkoutDeadline
        )
        return true
    }

    /// Takes over what nobody drives; the epoch tells the new driver from the former one.
    mutating func claim(_ kind: SagaKind, by driver: (replica: Int, incarnation: Int), now: Int)
        -> SagaRow?
    {
        guard var row = self[kind] else { return nil }
        let isOwn = row.driver.replica == driver.replica
        guard row.leasedUntil <= now || (isOwn && row.driver.incarnation != driver.incarnation)
        else { return nil }
        row.epoch += 1
        row.driver = driver
        row.leasedUntil = now + Times.lease
        self[kind] = row
        return row
    }

    /// Gives a saga to its driver again, who has had no answer to a commit.
    ///
    /// - Parameter epoch: the driver's.
    mutating func reclaim(
        _ kind: SagaKind,
        by driver: (replica: Int, incarnation: Int),
        epoch: Int,
        isStart: Bool,
        attempts: Int,
        now: Int
    ) -> SagaAnswer {
        guard var row = self[kind] else {
            if isStart { return .unknown }
            return lastEpoch.map { $0 <= epoch } == true ? .done : .fenced
        }
        guard row.driver == driver else { return isStart ? .unknown : .fenced }
        row.epoch += 1
        row.attempts = attempts
        row.leasedUntil = now + Times.lease
        self[kind] = row
        return .reclaimed(row.phase, epoch: row.epoch)
    }

    /// Moves the lease; false when somebody else drives.
    mutating func postpone(_ kind: SagaKind, epoch: Int, attempts: Int, until: Int) -> Bool {
        guard var row = self[kind], row.epoch == epoch || !guards.contains(.epochs) else {
            return false
        }
        row.leasedUntil = until
        row.attempts = attempts
        self[kind] = row
        lastEpoch = max(lastEpoch ?? 0, epoch)
        return true
    }

    /// Commits a change of a saga's course; false, and nothing changed, when the fence refuses it.
    mutating func commit(_ action: SagaMachine.Action, _ kind: SagaKind, epoch: Int, now: Int)
        -> Bool
    {
        let from: SagaMachine.Phase =
            switch action {
            case .commitPivot, .commitRefusal: .running
            case .commitUndone: .compensating
            default: .finishing
            }
        guard var row = self[kind], row.epoch == epoch || !guards.contains(.epochs),
            row.phase == from || !guards.contains(.phases)
        else { return false }
        lastEpoch = max(lastEpoch ?? 0, epoch)
        switch action {
        case .commitPivot:
            move(to: .confirmed)
            outcomes += 1
            self[kind] = nil
        case .commitRefusal:
            move(to: .rejected)
            outcomes += 1
            row.phase = .compensating
            row.attempts = 0
            row.leasedUntil = now + Times.lease
            self[kind] = row
        case .commitFinished:
            move(to: .cancelled)
            cancellations += 1
            self[kind] = nil
        default: self[kind] = nil
        }
        return true
    }

    private mutating func move(to next: OrderStatus) {
        if !status.mayBecome(next) || (status == next && next != .pending) {
            violation = violation ?? "the order went from \(status) to \(next)"
        }
        status = next
    }
}
