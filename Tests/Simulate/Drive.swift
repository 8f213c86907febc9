import Sagas

/// One replica's drive of one saga, as `SagaDrive` does it: the machine decides, this asks and waits.
struct Drive {
    let kind: SagaKind
    let replica: Int
    let incarnation: Int
    var epoch: Int
    let deadline: Int
    let earlierAttempts: Int
    var machine: SagaMachine
    var leasedUntil: Int
    /// The answer that counts; those to earlier questions come too late.
    var token = 0
    var isOver = false
}

extension World {
    // MARK: Beginning

    mutating func place(at replica: Int) { begin(.place, at: replica) }

    mutating func cancel(at replica: Int) { begin(.cancel, at: replica) }

    private mutating func begin(_ kind: SagaKind, at replica: Int) {
        let request: Occurrence =
            kind == .place ? .place(replica: replica) : .cancel(replica: replica)
        guard replicas[replica].isUp, !waits(replica, request) else { return }
        let driver = (replica, replicas[replica].incarnation)
        if isStormy, chance.happens(weather.lostCommits) {
            return beginInDoubt(kind, driver)
        }
        guard store(kind, driver: driver), let row = orders[kind] else { return }
        begin(kind, row, isFresh: true)
    }

    /// The commit that starts a saga gets no answer: it counted, it will, or it never does.
    private mutating func beginInDoubt(
        _ kind: SagaKind,
        _ driver: (replica: Int, incarnation: Int)
    ) {
        switch chance.below(3) {
        case 0: store(kind, driver: driver)
        case 1:
            timeline.add(
                .begin(kind, replica: driver.replica, incarnation: driver.incarnation),
                at: now + chance.below(4_000)
            )
        default: break
        }
        drives.append(
            Drive(
                kind: kind,
                replica: driver.replica,
                incarnation: driver.incarnation,
                epoch: 1,
                deadline: now + Times.checkoutDeadline,
                earlierAttempts: 0,
                machine: SagaMachine(inDoubt: kind.shape),
                leasedUntil: now + Times.lease
            )
        )
        perform(drives.count - 1)
    }

    /// Stores what a saga is about, and the saga; false when that was done before, or cannot be.
    @discardableResult
    mutating func store(
        _ kind: SagaKind,
        driver: (replica: Int, incarnation: Int)
    ) -> Bool {
        let isNew =
            kind == .place
            ? orders.place(driver: driver, now: now) : orders.cancel(driver: driver, now: now)
        if isNew { awaitLapse(kind) }
        return isNew
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
        case .reclaim(let attempt):
            drives[index].token += 1
            let pause = Times.pause(attempt: attempt, longest: Times.longestPause)
            timeline.add(
                .reclaim(drive: index, token: drives[index].token),
                at: now + pause / 2 + chance.below(pause / 2 + 1)
            )
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
            // A driver may give up on a commit that is still under way.
            let patience = chance.happens(500) ? 50 : wait + 50
            timeline.add(.answer(.unknown, drive: index, token: token), at: now + patience)
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
            case .reclaimed(let phase, _): .reclaimed(phase)
            }
        if case .reclaimed(_, let epoch) = answer { drives[index].epoch = epoch }
        if event == .done { noteCommit(action, index) }
        drives[index].token += 1
        _ = drives[index].machine.handle(event, deadlinePassed: now >= drive.deadline)
        perform(index)
    }

    private mutating func noteCommit(_ action: SagaMachine.Action, _ index: Int) {
        if case .commitRefusal = action {
            drives[index].leasedUntil = now + Times.lease
        }
    }

    private mutating func pause(_ index: Int, _ attempt: Int) {
        let drive = drives[index]
        let total = attempt + drive.earlierAttempts
        guard drive.machine.phase == .running else {
            let parking = Times.pause(attempt: total, longest: Times.longestParking)
            _ = postpone(index, attempts: total, until: now + parking)
            return drives[index].isOver = true
        }
        guard keepsLease(index, attempts: total) else {
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
        return keepsLease(index, attempts: drive.earlierAttempts)
    }

    /// Renews the lease; without an answer, what is left of the old one must do.
    private mutating func keepsLease(_ index: Int, attempts: Int) -> Bool {
        postpone(index, attempts: attempts, until: now + Times.lease)
            ?? (drives[index].leasedUntil > now)
    }

    /// Moves the lease; nil when there is no answer.
    private mutating func postpone(_ index: Int, attempts: Int, until: Int) -> Bool? {
        let drive = drives[index]
        if isStormy, chance.happens(weather.lostCommits) { return nil }
        let isOurs = orders.postpone(
            drive.kind,
            epoch: drive.epoch,
            attempts: attempts,
            until: until
        )
        awaitLapse(drive.kind)
        if isStormy, chance.happens(weather.lostCommits) { return nil }
        if isOurs { drives[index].leasedUntil = until }
        return isOurs
    }

    /// Claims a saga again, to learn what became of a commit without an answer.
    mutating func reclaim(drive index: Int, token: Int) {
        let drive = drives[index]
        guard lives(drive), drive.token == token else { return }
        guard !waits(drive.replica, .reclaim(drive: index, token: token)) else { return }
        guard drive.leasedUntil > now else { return take(.fenced, drive: index, token: token) }
        if isStormy, chance.happens(weather.lostCommits) {
            return take(.unknown, drive: index, token: token)
        }
        let answer = orders.reclaim(
            drive.kind,
            by: (drive.replica, drive.incarnation),
            epoch: drive.epoch,
            isStart: drive.machine.inDoubt == nil,
            attempts: drive.machine.attempts + drive.earlierAttempts,
            now: now
        )
        awaitLapse(drive.kind)
        if isStormy, chance.happens(weather.lostCommits) {
            return take(.unknown, drive: index, token: token)
        }
        if case .reclaimed = answer { drives[index].leasedUntil = now + Times.lease }
        take(answer, drive: index, token: token)
    }

    private static let outOfStock = Refusal(reason: "out-of-stock")
    private static let cardDeclined = Refusal(reason: "card-declined")
}
