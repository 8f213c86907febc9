import Testing

@testable import Sagas

@Suite struct SagaMachineTests {
    typealias Action = SagaMachine.Action
    private let checkout = SagaMachine.Shape(steps: 2, finishing: 0)
    private let declined = Refusal(reason: "card-declined")

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

    @Test func `a commit without an answer is left to whoever reads the row`() {
        #expect(walk(checkout, [.done, .done, .unknown]).last == .stop(.handedOver))
        #expect(walk(checkout, [.refused(declined), .unknown]).last == .stop(.handedOver))
        #expect(
            walk(SagaMachine.Shape(steps: 0, finishing: 0), in: .compensating, [.unknown]).last
                == .stop(.handedOver)
        )
    }

    /// Every sequence of events up to a depth, on several shapes: whatever happens, nothing is undone
    /// before a refusal was committed, nothing is undone after the pivot, the pivot comes only after
    /// all steps were done, and every attempted step of a compensated saga was undone.
    @Test(arguments: [(0, 1), (1, 0), (2, 0), (2, 2), (3, 1)])
    func `no sequence of events breaks the order of a saga`(steps: Int, finishing: Int) {
        let shape = SagaMachine.Shape(steps: steps, finishing: finishing)
        for phase in SagaMachine.Phase.allCases {
            for isFresh in [true, false] {
                explore(
                    SagaMachine(shape, in: phase, isFresh: isFresh),
                    Record(shape: shape, phase: phase, isFresh: isFresh),
                    depth: 9
                )
            }
        }
    }

    private struct Record {
        let shape: SagaMachine.Shape
        let isFresh: Bool
        var refused: Bool
        var pivoted: Bool
        var executed: Set<Int> = []
        var attempted: Set<Int> = []
        var undone: Set<Int> = []

        init(shape: SagaMachine.Shape, phase: SagaMachine.Phase, isFresh: Bool) {
            self.shape = shape
            self.isFresh = isFresh
            refused = phase == .compensating
            pivoted = phase == .finishing
            if phase == .compensating || !isFresh { attempted = Set(0..<shape.steps) }
            if phase == .finishing { executed = Set(0..<shape.steps) }
        }

        mutating func note(_ action: Action, _ event: SagaMachine.Event) {
            switch action {
            case .execute(let step):
                #expect(!refused && !pivoted)
                attempted.insert(step)
                if event == .done { executed.insert(step) }
            case .commitPivot:
                #expect(!refused && executed == Set(0..<shape.steps))
                if event == .done { pivoted = true }
            case .commitRefusal:
                #expect(!pivoted && !refused)
                if event == .done { refused = true }
            case .undo(let step):
                #expect(refused && !pivoted)
                if event == .done { undone.insert(step) }
            case .commitUndone: #expect(refused && undone.isSuperset(of: attempted))
            case .finish, .commitFinished: #expect(pivoted && !refused)
            case .pause, .stop: break
            }
        }
    }

    private func explore(_ machine: SagaMachine, _ record: Record, depth: Int) {
        guard depth > 0 else { return }
        switch machine.action {
        case .stop: return
        case .pause:
            for late in [false, true] {
                var next = machine
                _ = next.resume(deadlinePassed: late)
                explore(next, record, depth: depth - 1)
            }
        default:
            for event in [SagaMachine.Event.done, .unknown, .refused(declined)] {
                for late in [false, true] {
                    var next = machine
                    var after = record
                    after.note(machine.action, event)
                    _ = next.handle(event, deadlinePassed: late)
                    explore(next, after, depth: depth - 1)
                }
            }
        }
    }
}
