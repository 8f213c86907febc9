import Sagas

/// One replica's drive of one saga, as `SagaDrive` does it: the machine decides, this asks and waits.
struct Drive {
    let kind: SagaKind
    let replica: Int
    let incarnation: Int
    let epoch: Int
    let deadline: Int
    let earlierAttempts: Int
    var machine: SagaMachine
    var phase: SagaMachine.Phase
    var leasedUntil: Int
    /// The answer that counts; those to earlier questions come too late.
    var token = 0
    var isOver = false
}

extension World {
    // MARK: Beginning

    mutating func place(at replica: Int) {
        guard replicas[replica].isUp, !waits(replica, .place(replica: replica)) else { return }
        let driver = (replica, replicas[replica].incarnation)
        guard orders.place(driver: driver, now: now), let row = orders[.place] else { return }
        begin(.place, row, isFresh: true)
    }

    mutating func cancel(at replica: Int) {
        guard replicas[replica].isUp, !waits(replica, .cancel(replica: replica)) else { return }
        let driver = (replica, replicas[replica].incarnation)
        guard orders.cancel(driver: driver, now: now), let row = orders[.cancel] else { return }
        begin(.cancel, row, isFresh: true)
    }

    mutating func poll(_ replica: Int) {
        guard replicas[replica].isUp, !waits(replica, .poll(replica: replica)) else { return }
        let driver = (replica, replicas[replica].incarnation)
        for kind in SagaKind.allCases {
            guard let row = orders.claim(kind, by: driver, now: now) else { continue }
            if isStormy, chance.happens(weather.lostCommits) {
                // Nobody hears of the claim: its lease lapses.
                awaitLapse(kind)
            } else {
                begin(kind, row, isFresh: false)
            }
        }
    }

    private mutating func begin(_ kind: SagaKind, _ row: SagaRow, isFresh: Bool) {
        drives.append(
            Drive(
                kind: kind,
                replica: row.driver.replica,
                incarnation: row.driver.incarnation,
                epoch: row.epoch,
                deadline: row.deadline,
                earlierAttempts: row.attempts,
                machine: SagaMachine(kind.shape, in: row.phase, isFresh: isFresh),
                phase: row.phase,
                leasedUntil: now + Times.lease
            )
        )
        awaitLapse(kind)
        perform(drives.count - 1)
    }

    /// Lets every replica look at a row when its lease may have lapsed.
    private mutating func awaitLapse(_ kind: SagaKind) {
        guard let row = orders[kind] else { return }
        for replica in replicas.indices {
            let at = max(row.leasedUntil, now) + chance.within(1...Times.poll)
            timeline.add(.poll(replica: replica), at: at)
        }
    }

    // MARK: Doing

    /// Performs the action at hand, unless the drive is over.
    private mutating func perform(_ index: Int) {
        let drive = drives[index]
        switch drive.machine.action {
        case .stop: drives[index].isOver = true
        case .pause(let attempt): pause(index, attempt)
        default:
            guard holdsLease(index) else { return drives[index].isOver = true }
            drives[index].token += 1
            switch drive.machine.action {
            case .execute(0): ask(.reserve, index)
            case .execute: ask(.charge, index)
            case .undo(0): ask(.release, index)
            case .undo: ask(.refund, index)
            case .finish(0): ask(.refund, index)
            case .finish: ask(.release, index)
            default: sendCommit(index)
            }
        }
    }

    private mutating func ask(_ request: Request, _ index: Int) {
        let drive = drives[index]
        var limit = now + Times.tryLimit
        if case .execute = drive.machine.action { limit = min(limit, max(drive.deadline, now)) }
        timeline.add(.answer(.unknown, drive: index, token: drive.token), at: limit)
        send(request, index, drive.token)
        if isStormy, chance.happens(weather.duplicates) { send(request, index, drive.token) }
    }

    private mutating func send(_ request: Request, _ drive: Int, _ token: Int) {
        if isStormy, chance.happens(weather.lostRequests) { return }
        timeline.add(.request(request, drive: drive, token: token), at: now + delay())
    }

    private mutating func sendCommit(_ index: Int) {
        let token = drives[index].token
        if isStormy, chance.happens(weather.lostCommits) {
            return timeline.add(.answer(.unknown, drive: index, token: token), at: now + 50)
        }
        let tellsBack = !(isStormy && chance.happens(weather.lostCommits))
        // A commit waits for no network but the database's: it may be slow, it is not duplicated.
        let wait = isStormy && chance.happens(weather.delays / 4) ? chance.below(4_000) : 2
        timeline.add(.commit(drive: index, token: token, tellsBack: tellsBack), at: now + wait)
        if !tellsBack {
            timeline.add(.answer(.unknown, drive: index, token: token), at: now + wait + 50)
        }
    }

    mutating func commit(drive index: Int, token: Int, tellsBack: Bool) {
        let drive = drives[index]
        let counted = orders.commit(
            drive.machine.action,
            drive.kind,
            epoch: drive.epoch,
            now: now
        )
        awaitLapse(drive.kind)
        guard tellsBack else { return }
        timeline.add(.answer(counted ? .done : .fenced, drive: index, token: token), at: now + 2)
    }

    // MARK: Going on

    /// Whether the drive's process is still the one that began it.
    private func lives(_ drive: Drive) -> Bool {
        !drive.isOver && replicas[drive.replica].isUp
            && replicas[drive.replica].incarnation == drive.incarnation
    }

    mutating func take(_ answer: SagaAnswer, drive index: Int, token: Int) {
        let drive = drives[index]
        guard lives(drive), drive.token == token else { return }
        guard !waits(drive.replica, .answer(answer, drive: index, token: token)) else { return }
        let action = drive.machine.action
        let event: SagaMachine.Event =
            switch answer {
            case .done: .done
            case .refusedStock: .refused(Self.outOfStock)
            case .refusedCard: .refused(Self.cardDeclined)
            case .unknown: .unknown
            case .fenced: .fenced
            }
        if event == .done { noteCommit(action, index) }
        drives[index].token += 1
        _ = drives[index].machine.handle(event, deadlinePassed: now >= drive.deadline)
        perform(index)
    }

    private mutating func noteCommit(_ action: SagaMachine.Action, _ index: Int) {
        if case .commitRefusal = action {
            drives[index].phase = .compensating
            drives[index].leasedUntil = now + Times.lease
        }
    }

    private mutating func pause(_ index: Int, _ attempt: Int) {
        let drive = drives[index]
        let total = attempt + drive.earlierAttempts
        guard drive.phase == .running else {
            let parking = Times.pause(attempt: total, longest: Times.longestParking)
            _ = postpone(index, attempts: total, until: now + parking)
            return drives[index].isOver = true
        }
        guard postpone(index, attempts: total, until: now + Times.lease) else {
            return drives[index].isOver = true
        }
        let pause = Times.pause(attempt: attempt, longest: Times.longestPause)
        let end = min(now + pause / 2 + chance.below(pause / 2 + 1), max(drive.deadline, now))
        drives[index].token += 1
        timeline.add(.resume(drive: index, token: drives[index].token), at: end)
    }

    mutating func resume(drive index: Int, token: Int) {
        let drive = drives[index]
        guard lives(drive), drive.token == token else { return }
        guard !waits(drive.replica, .resume(drive: index, token: token)) else { return }
        _ = drives[index].machine.resume(deadlinePassed: now >= drive.deadline)
        perform(index)
    }

    /// Renews a lease that would not outlast the next step.
    private mutating func holdsLease(_ index: Int) -> Bool {
        let drive = drives[index]
        if drive.leasedUntil > now + Times.lease * 7 / 10 { return true }
        return postpone(index, attempts: drive.earlierAttempts, until: now + Times.lease)
    }

    private mutating func postpone(_ index: Int, attempts: Int, until: Int) -> Bool {
        let drive = drives[index]
        if isStormy, chance.happens(weather.lostCommits) { return false }
        let isOurs = orders.postpone(
            drive.kind,
            epoch: drive.epoch,
            attempts: attempts,
            until: until
        )
        if isOurs { drives[index].leasedUntil = until }
        awaitLapse(drive.kind)
        return isOurs
    }

    private static let outOfStock = Refusal(reason: "out-of-stock")
    private static let cardDeclined = Refusal(reason: "card-declined")
}
