import Testing

@testable import Sagas

@Suite struct SagaMachineTests {
    typealias Action = SagaMachine.Action
    private let checkout = SagaMachine.Shape(steps: 2, finishing: 0)
    private static let declined = Refusal(reason: "card-declined")
    private var declined: Refusal { Self.declined }

    /// Feeds events and returns every action, the first one included.
    private func walk(
        _ shape: SagaMachine.Shape,
        in phase: SagaMachine.Phase = .running,
        isFresh: Bool = true,
        _ events: [SagaMachine.Event],
        lateFrom late: Int = .max
    ) -> [Action] {
        var machine = SagaMachine(shape, in: phase, isFresh: isFresh)
        var actions = [machine.action]
        for (index, event) in events.enumerated() {
            var action = machine.handle(event, deadlinePassed: index >= late)
            actions.append(action)
            if case .pause = action {
                action = machine.resume(deadlinePassed: index >= late)
                actions.append(action)
            }
        }
        return actions
    }

    @Test func `a smooth saga executes its steps in order and commits the pivot`() {
        #expect(
            walk(checkout, [.done, .done, .done])
                == [.execute(0), .execute(1), .commitPivot, .stop(.completed)]
        )
    }

    @Test func `a refusal is committed before anything is undone, last step first`() {
        #expect(
            walk(checkout, [.done, .refused(declined), .done, .done, .done, .done])
                == [
                    .execute(0), .execute(1), .commitRefusal(declined), .undo(1), .undo(0),
                    .commitUndone, .stop(.compensated),
                ]
        )
    }

    @Test func `only steps that were attempted are undone`() {
        #expect(
            walk(checkout, [.refused(declined), .done, .done, .done])
                == [
                    .execute(0), .commitRefusal(declined), .undo(0), .commitUndone,
                    .stop(.compensated),
                ]
        )
    }

    @Test func `an adopted saga undoes every step, whatever this drive attempted`() {
        #expect(
            walk(checkout, isFresh: false, [.refused(declined), .done, .done, .done, .done])
                == [
                    .execute(0), .commitRefusal(declined), .undo(1), .undo(0), .commitUndone,
                    .stop(.compensated),
                ]
        )
    }

    @Test func `no answer is asked for again with the same step`() {
        #expect(
            walk(checkout, [.unknown, .unknown, .done])
                == [
                    .execute(0), .pause(attempt: 1), .execute(0), .pause(attempt: 2), .execute(0),
                    .execute(1),
                ]
        )
    }

    @Test func `the deadline gives up a step without an answer, and undoes it`() {
        #expect(
            walk(checkout, [.done, .unknown, .done, .done, .done, .done], lateFrom: 1)
                == [
                    .execute(0), .execute(1), .commitRefusal(.timedOut), .undo(1), .undo(0),
                    .commitUndone, .stop(.compensated),
                ]
        )
    }

    @Test func `the deadline during a pause gives up`() {
        var machine = SagaMachine(checkout, in: .running, isFresh: true)
        #expect(machine.handle(.unknown, deadlinePassed: false) == .pause(attempt: 1))
        #expect(machine.resume(deadlinePassed: true) == .commitRefusal(.timedOut))
    }

    @Test func `a step that succeeds too late is undone`() {
        #expect(
            walk(checkout, [.done, .done], lateFrom: 1)
                == [.execute(0), .execute(1), .commitRefusal(.timedOut)]
        )
    }

    @Test func `an undo without an answer does not hold up the others and is asked again`() {
        #expect(
            walk(
                checkout,
                in: .compensating,
                isFresh: false,
                [.unknown, .done, .unknown, .done, .done]
            )
                == [
                    .undo(1), .undo(0), .pause(attempt: 1), .undo(1), .pause(attempt: 2), .undo(1),
                    .commitUndone, .stop(.compensated),
                ]
        )
    }

    @Test func `a participant cannot refuse an undo for good`() {
        #expect(
            walk(checkout, in: .compensating, isFresh: false, [.refused(declined), .done])
                == [.undo(1), .undo(0), .pause(attempt: 1), .undo(1)]
        )
    }

    @Test func `after the pivot steps are retried past any deadline`() {
        let cancel = SagaMachine.Shape(steps: 0, finishing: 2)
        #expect(
            walk(cancel, [.done, .unknown, .done, .done, .done], lateFrom: 0)
                == [
                    .commitPivot, .finish(0), .pause(attempt: 1), .finish(0), .finish(1),
                    .commitFinished, .stop(.completed),
                ]
        )
    }

    @Test(arguments: SagaMachine.Phase.allCases)
    func `a fenced driver stops at once`(phase: SagaMachine.Phase) {
        let shape = SagaMachine.Shape(steps: 2, finishing: 1)
        #expect(walk(shape, in: phase, isFresh: false, [.fenced]).last == .stop(.handedOver))
    }

    @Test func `a commit without an answer is asked about until there is one`() {
        #expect(
            walk(checkout, [.done, .done, .unknown, .unknown, .reclaimed(.running), .done])
                == [
                    .execute(0), .execute(1), .commitPivot, .reclaim(attempt: 1),
                    .reclaim(attempt: 2), .commitPivot, .stop(.completed),
                ]
        )
    }

    @Test func `a commit that counted though its answer was lost is not made again`() {
        #expect(
            walk(checkout, [.done, .done, .unknown, .done])
                == [
                    .execute(0), .execute(1), .commitPivot, .reclaim(attempt: 1),
                    .stop(.completed),
                ]
        )
        #expect(
            walk(checkout, [.refused(declined), .unknown, .reclaimed(.compensating), .done, .done])
                == [
                    .execute(0), .commitRefusal(declined), .reclaim(attempt: 1), .undo(0),
                    .commitUndone, .stop(.compensated),
                ]
        )
        let decisive = SagaMachine.Shape(steps: 0, finishing: 1)
        #expect(
            walk(decisive, [.unknown, .reclaimed(.finishing), .done, .unknown, .done])
                == [
                    .commitPivot, .reclaim(attempt: 1), .finish(0), .commitFinished,
                    .reclaim(attempt: 1), .stop(.completed),
                ]
        )
        #expect(
            walk(checkout, in: .compensating, isFresh: false, [.done, .done, .unknown, .done]).last
                == .stop(.compensated)
        )
    }

    @Test func `a commit that keeps failing is made again after ever longer pauses`() {
        #expect(
            walk(
                checkout,
                [.done, .done, .unknown, .reclaimed(.running), .unknown, .reclaimed(.running)]
            )
                == [
                    .execute(0), .execute(1), .commitPivot, .reclaim(attempt: 1), .commitPivot,
                    .reclaim(attempt: 2), .commitPivot,
                ]
        )
    }

    @Test func `a pivot that did not count before the deadline is given up`() {
        #expect(
            walk(checkout, [.done, .done, .unknown, .reclaimed(.running)], lateFrom: 3).last
                == .commitRefusal(.timedOut)
        )
        let bare = SagaMachine.Shape(steps: 0, finishing: 0)
        #expect(
            walk(bare, [.unknown, .reclaimed(.running), .done, .done], lateFrom: 1)
                == [
                    .commitPivot, .reclaim(attempt: 1), .commitRefusal(.timedOut), .commitUndone,
                    .stop(.compensated),
                ]
        )
    }

    @Test func `whoever cannot claim a saga again leaves it to others`() {
        #expect(walk(checkout, [.done, .done, .unknown, .fenced]).last == .stop(.handedOver))
        // A refusal ends no saga: if it has ended, somebody else has been at it.
        #expect(walk(checkout, [.refused(declined), .unknown, .done]).last == .stop(.handedOver))
        #expect(
            walk(checkout, [.done, .done, .unknown, .reclaimed(.compensating)]).last
                == .stop(.handedOver)
        )
    }

    @Test(arguments: SagaMachine.Phase.allCases)
    func `a start without an answer is looked for, and driven from what its row says`(
        phase: SagaMachine.Phase
    ) {
        let shape = SagaMachine.Shape(steps: 2, finishing: 1)
        var machine = SagaMachine(inDoubt: shape)
        #expect(machine.action == .reclaim(attempt: 1))
        #expect(machine.handle(.unknown, deadlinePassed: false) == .reclaim(attempt: 2))
        let adopted = SagaMachine(shape, in: phase, isFresh: false)
        #expect(machine.handle(.reclaimed(phase), deadlinePassed: false) == adopted.action)
        #expect(machine == adopted)
    }

    @Test func `whoever waits is told once the fate is known, also when its answer was lost`() {
        var machine = SagaMachine(checkout, in: .running, isFresh: true)
        for event in [SagaMachine.Event.done, .done, .unknown] {
            _ = machine.handle(event, deadlinePassed: false)
            #expect(machine.fate == nil)
        }
        _ = machine.handle(.done, deadlinePassed: false)
        #expect(machine.fate == .completed)

        machine = SagaMachine(checkout, in: .running, isFresh: true)
        _ = machine.handle(.refused(declined), deadlinePassed: false)
        _ = machine.handle(.unknown, deadlinePassed: false)
        #expect(machine.fate == nil)
        _ = machine.handle(.reclaimed(.compensating), deadlinePassed: false)
        #expect(machine.fate == .refused(declined))
    }

    /// Every sequence of events up to a depth, on several shapes, and for every commit without an answer
    /// both of what may be true of it: whatever happens, nothing is undone before a refusal was
    /// committed, nothing is undone after the pivot, the pivot comes only after all steps were done and
    /// counts once, and every attempted step of a compensated saga was undone.
    @Test(arguments: [(0, 1), (1, 0), (2, 0), (2, 2), (3, 1)])
    func `no sequence of events breaks the order of a saga`(steps: Int, finishing: Int) {
        let shape = SagaMachine.Shape(steps: steps, finishing: finishing)
        var frontier: Set<Situation> = []
        for phase in SagaMachine.Phase.allCases {
            for isFresh in [true, false] {
                frontier.insert(
                    Situation(
                        machine: SagaMachine(shape, in: phase, isFresh: isFresh),
                        record: Record(shape: shape, phase: phase, isFresh: isFresh)
                    )
                )
            }
        }
        for _ in 0..<9 { frontier = Set(frontier.flatMap(\.next)) }
        #expect(!frontier.isEmpty)
    }

    private struct Record: Hashable {
        let shape: SagaMachine.Shape
        let isFresh: Bool
        var refused: Bool
        var pivoted: Bool
        var executed: Set<Int> = []
        var attempted: Set<Int> = []
        var undone: Set<Int> = []
        /// What the row says, whoever knows it; nil when the saga has ended.
        var row: SagaMachine.Phase?

        init(shape: SagaMachine.Shape, phase: SagaMachine.Phase, isFresh: Bool) {
            self.shape = shape
            self.isFresh = isFresh
            refused = phase == .compensating
            pivoted = phase == .finishing
            if phase == .compensating || !isFresh { attempted = Set(0..<shape.steps) }
            if phase == .finishing { executed = Set(0..<shape.steps) }
            row = phase
        }

        /// A commit counts, though perhaps nobody hears of it.
        mutating func count(_ commit: Action) {
            switch commit {
            case .commitPivot:
                #expect(row == .running && !refused && executed == Set(0..<shape.steps))
                pivoted = true
                row = shape.finishing > 0 ? .finishing : nil
            case .commitRefusal:
                #expect(row == .running && !pivoted)
                refused = true
                row = .compensating
            case .commitUndone:
                #expect(row == .compensating && undone.isSuperset(of: attempted))
                row = nil
            case .commitFinished:
                #expect(row == .finishing)
                row = nil
            default: Issue.record("\(commit) is no commit")
            }
        }

        mutating func note(_ action: Action, _ event: SagaMachine.Event) {
            switch action {
            case .execute(let step):
                #expect(!refused && !pivoted)
                attempted.insert(step)
                if event == .done { executed.insert(step) }
            case .undo(let step):
                #expect(refused && !pivoted)
                if event == .done { undone.insert(step) }
            case .finish: #expect(pivoted && !refused)
            case .commitPivot, .commitRefusal, .commitUndone, .commitFinished:
                if event == .done { count(action) }
            case .pause, .reclaim, .stop: break
            }
        }
    }

    /// A machine, and what is true whether it knows or not.
    private struct Situation: Hashable {
        let machine: SagaMachine
        let record: Record

        /// Whatever may come of it; nothing comes after the end.
        var next: [Situation] {
            switch machine.action {
            case .stop(let end):
                if end != .handedOver { #expect(record.row == nil) }
                if end == .completed { #expect(record.pivoted) }
                if end == .compensated { #expect(record.refused) }
                return []
            case .pause:
                return [false, true].map { late in
                    var next = machine
                    _ = next.resume(deadlinePassed: late)
                    return Situation(machine: next, record: record)
                }
            case .reclaim:
                let truth = record.row.map { SagaMachine.Event.reclaimed($0) } ?? .done
                return after([truth, .unknown, .fenced])
            case .commitPivot, .commitRefusal, .commitUndone, .commitFinished:
                // It counts, and its answer is lost.
                var counted = record
                counted.count(machine.action)
                let unheard = Situation(machine: machine, record: counted).after([.unknown])
                return unheard + after([.done, .unknown])
            default: return after([.done, .unknown, .refused(SagaMachineTests.declined)])
            }
        }

        private func after(_ events: [SagaMachine.Event]) -> [Situation] {
            events.flatMap { event in
                [false, true].map { late in
                    var next = machine
                    var after = record
                    after.note(machine.action, event)
                    _ = next.handle(event, deadlinePassed: late)
                    return Situation(machine: next, record: after)
                }
            }
        }
    }
}
