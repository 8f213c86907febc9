/// What a saga does next: a pure value that decides, while the runner does.
///
/// A saga runs its steps in order up to the pivot, the one commit that decides its fate. Before it,
/// a refusal or the deadline leads to compensation: the decision to undo is committed first, then
/// every step that may have been attempted is undone, last one first. An undo that gets no answer
/// does not hold up the others; those left over are asked again for as long as it takes. After the
/// pivot there is no way back: the finishing steps are retried until they succeed.
///
/// An answer that never came is neither success nor failure. It is asked for again, with the same
/// key, until the deadline; undoing and finishing know no deadline. A commit without an answer may
/// have happened, or happen yet: the saga is claimed again, under a new epoch, and then the row says
/// which it was, for good.
package struct SagaMachine: Hashable {
    /// How many steps there are before and after the pivot.
    package struct Shape: Hashable {
        let steps: Int
        let finishing: Int

        package init(steps: Int, finishing: Int) {
            self.steps = steps
            self.finishing = finishing
        }
    }

    /// What a saga's durable row says about it.
    package enum Phase: String, CaseIterable, Sendable {
        case running, compensating, finishing
    }

    /// What is to be done.
    package enum Action: Hashable {
        /// Execute the step with this index.
        case execute(Int)
        /// Commit the pivot.
        case commitPivot
        /// Commit the decision to undo.
        case commitRefusal(Refusal)
        /// Undo the step with this index.
        case undo(Int)
        /// Commit the end of a saga that was undone.
        case commitUndone
        /// Execute the finishing step with this index.
        case finish(Int)
        /// Commit the end of a saga that went through.
        case commitFinished
        /// Wait for a while, the longer the higher the number, then `resume`.
        case pause(attempt: Int)
        /// Wait like that, then claim the saga again: what became of the last commit is not known.
        case reclaim(attempt: Int)
        /// Leave the saga alone: it has ended, or somebody else goes on.
        case stop(End)
    }

    /// What became of the action at hand.
    package enum Event: Hashable {
        /// The step, the undo or the commit succeeded.
        case done
        /// The participant refused for good.
        case refused(Refusal)
        /// Nobody knows: no answer, or one that settles nothing.
        case unknown
        /// The saga is this driver's again, and its row says this phase. What was committed under the
        /// former epoch and is not in the row never will be.
        case reclaimed(Phase)
        /// Another driver has taken the saga over, or may.
        case fenced
    }

    /// How a drive ended.
    package enum End: Hashable {
        case completed
        case compensated
        /// Somebody else goes on.
        case handedOver
    }

    private let shape: Shape
    private let isFresh: Bool
    /// The action at hand.
    package private(set) var action: Action
    /// How often in a row there was no answer.
    package private(set) var attempts = 0
    /// What the row says, as far as is known.
    package private(set) var phase: Phase
    /// How the saga came out for whoever waits for it; nil while that is open.
    package private(set) var fate: SagaOutcome?
    /// The commit that has had no answer; nil for the one that started the saga.
    package private(set) var inDoubt: Action?
    /// The steps still to be undone, last one first, and how many of them this round has asked.
    private var toUndo: [Int] = []
    private var asked = 0
    /// What follows a pause.
    private var afterPause: Action?

    /// Takes up a saga in the phase that its row says.
    ///
    /// - Parameter isFresh: whether nobody drove it before. Otherwise what was attempted is not known:
    ///   a running saga starts over, since participants answer a repeat as they did before, and when
    ///   it comes to undoing, every step is undone.
    package init(_ shape: Shape, in phase: Phase, isFresh: Bool) {
        self.shape = shape
        self.isFresh = isFresh
        self.phase = phase
        switch phase {
        case .running: action = shape.steps > 0 ? .execute(0) : .commitPivot
        case .finishing: action = shape.finishing > 0 ? .finish(0) : .commitFinished
        case .compensating:
            toUndo = Array((0..<shape.steps).reversed())
            action = toUndo.first.map(Action.undo) ?? .commitUndone
        }
    }

    /// Takes up a saga whose start was committed without an answer, if there is such a saga.
    package init(inDoubt shape: Shape) {
        self.init(shape, in: .running, isFresh: false)
        attempts = 1
        action = .reclaim(attempt: 1)
    }

    /// Takes in what became of the action at hand and returns the next one.
    ///
    /// - Parameter deadlinePassed: whether the saga's time is up; it counts only before the pivot.
    package mutating func handle(_ event: Event, deadlinePassed: Bool) -> Action {
        switch (event, action) {
        case (.fenced, _): action = .stop(.handedOver)
        case (.reclaimed(let phase), .reclaim): takeUp(phase, deadlinePassed: deadlinePassed)
        case (.done, .reclaim): concludeDoubt()
        case (_, .reclaim): reclaim()
        case (.reclaimed, _): break
        case (.done, _): advance(deadlinePassed: deadlinePassed)
        case (.refused(let refusal), .execute(let step)): giveUp(refusal, attempted: step)
        case (.unknown, .execute(let step)) where deadlinePassed:
            giveUp(.timedOut, attempted: step)
        case (_, .undo): nextUndo()
        case (_, .execute), (_, .finish): pause(then: action)
        case (_, .commitPivot), (_, .commitRefusal), (_, .commitUndone), (_, .commitFinished):
            inDoubt = action
            reclaim()
        case (_, .pause), (_, .stop): break
        }
        return action
    }

    /// Goes on after a pause.
    package mutating func resume(deadlinePassed: Bool) -> Action {
        guard case .pause = action, let next = afterPause else { return action }
        afterPause = nil
        action = next
        if case .execute(let step) = next, deadlinePassed { giveUp(.timedOut, attempted: step) }
        return action
    }

    private mutating func advance(deadlinePassed: Bool) {
        switch action {
        case .execute(let step):
            if deadlinePassed { return giveUp(.timedOut, attempted: step) }
            move(to: step + 1 < shape.steps ? .execute(step + 1) : .commitPivot)
        case .commitPivot:
            fate = .completed
            phase = .finishing
            move(to: shape.finishing > 0 ? .finish(0) : .stop(.completed))
        case .commitRefusal(let refusal):
            fate = .refused(refusal)
            phase = .compensating
            move(to: toUndo.first.map(Action.undo) ?? .commitUndone)
        case .undo:
            toUndo.remove(at: asked)
            asked -= 1
            nextUndo()
        case .finish(let step):
            move(to: step + 1 < shape.finishing ? .finish(step + 1) : .commitFinished)
        case .commitUndone: move(to: .stop(.compensated))
        case .commitFinished:
            // Whoever waits for a saga that began decided waits for this; others know already.
            if fate == nil { fate = .completed }
            move(to: .stop(.completed))
        case .pause, .reclaim, .stop: break
        }
    }

    // MARK: Commits without an answer

    /// Goes on from what the row says: the commit in doubt counted, or it never will.
    private mutating func takeUp(_ found: Phase, deadlinePassed: Bool) {
        guard let commit = inDoubt else {
            self = SagaMachine(shape, in: found, isFresh: false)
            return
        }
        inDoubt = nil
        action = commit
        if found == phase {
            // The pause before the next doubt is longer: `attempts` counts on.
            if commit == .commitPivot, deadlinePassed {
                giveUp(.timedOut, attempted: shape.steps - 1)
            }
        } else if found == commit.phaseAfter(shape) {
            advance(deadlinePassed: deadlinePassed)
        } else {
            action = .stop(.handedOver)
        }
    }

    /// The commit in doubt has ended the saga.
    private mutating func concludeDoubt() {
        guard let commit = inDoubt, commit.phaseAfter(shape) == nil else {
            return action = .stop(.handedOver)
        }
        inDoubt = nil
        action = commit
        advance(deadlinePassed: false)
    }

    private mutating func reclaim() {
        attempts += 1
        action = .reclaim(attempt: attempts)
    }

    // MARK: Courses

    private mutating func giveUp(_ refusal: Refusal, attempted step: Int) {
        let last = isFresh ? step : shape.steps - 1
        toUndo = Array((0..<(last + 1)).reversed())
        asked = 0
        move(to: .commitRefusal(refusal))
    }

    private mutating func nextUndo() {
        asked += 1
        if asked < toUndo.count {
            action = .undo(toUndo[asked])
        } else if let first = toUndo.first {
            asked = 0
            pause(then: .undo(first))
        } else {
            move(to: .commitUndone)
        }
    }

    private mutating func pause(then next: Action) {
        attempts += 1
        afterPause = next
        action = .pause(attempt: attempts)
    }

    private mutating func move(to next: Action) {
        action = next
        attempts = 0
    }
}

extension SagaMachine.Action {
    /// The phase that this commit leaves in the row; nil when it ends the saga.
    fileprivate func phaseAfter(_ shape: SagaMachine.Shape) -> SagaMachine.Phase? {
        switch self {
        case .commitPivot where shape.finishing > 0: .finishing
        case .commitRefusal: .compensating
        default: nil
        }
    }
}
