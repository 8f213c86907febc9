internal import Contracts
internal import Synchronization

/// The answers that requests of this process wait for, from the commits that make them definite.
///
/// A client is told the very answer that is stored, so the same key gets the same again.
final class AwaitedAnswers: Sendable {
    private let answers = Mutex<[OrderID: OrderAnswer?]>([:])

    /// Keeps the answer of an order that a request will wait for; `take` ends it.
    func expect(_ order: OrderID) {
        answers.withLock { _ = $0.updateValue(nil, forKey: order) }
    }

    /// Notes what is about to be stored with an order's fate, if anybody waits.
    func note(_ answer: OrderAnswer, for order: OrderID) {
        answers.withLock { answers in
            if answers.keys.contains(order) { answers.updateValue(answer, forKey: order) }
        }
    }

    /// What was noted; nobody waits any more.
    func take(_ order: OrderID) -> OrderAnswer? {
        answers.withLock { $0.removeValue(forKey: order) ?? nil }
    }
}
