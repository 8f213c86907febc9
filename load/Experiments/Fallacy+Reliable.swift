internal import HTTP
internal import Reactor

extension Fallacy {
    /// Requests and answers are lost on the way to those who hold stock and money.
    static let reliable = Fallacy(number: 1, belief: "the network is reliable") { stage in
        let seconds = 20
        Terminal.say(
            """
            Fallacy 1: the network is reliable.
            What will be done, for \(seconds) s: of the requests to product one in ten is lost before it does anything; of \
            the charges one in five is made and its answer lost.
            What is expected: at least 95 of 100 checkouts are confirmed all the same, no card is charged twice, and \
            every order that a client was told of is there.

            """
        )
        let lost: JSONValue = ["name": "fallacy-1", "drop_request": true, "percent": 10]
        let unheard: JSONValue = [
            "name": "fallacy-1", "route": "PUT /payments/{order_id}", "drop_reply": true,
            "percent": 20,
        ]
        let (products, payments) = (stage.members(of: "product"), stage.members(of: "payment"))
        let fired = try await stage.whileBroken {
            for member in products { try await stage.admin.add(lost, to: member) }
            for member in payments { try await stage.admin.add(unheard, to: member) }
        } during: {
            try await stage.report(every: 5, for: seconds)
            return try await (
                stage.admin.fired("fallacy-1", at: products),
                stage.admin.fired("fallacy-1", at: payments)
            )
        }
        let sum = stage.session.recorder.sum
        let confirmed = sum.outcomes["201", default: 0]
        Terminal.say(
            "\n\(fired.0) requests to product and the answers of \(fired.1) charges were lost; "
                + "\(confirmed) of \(sum.requests) checkouts were confirmed at once, p99 "
                + "\(Figure.milliseconds(sum.latencies.percentile(0.99))) ms\n\nThe books:"
        )
        let adds = try await stage.verify()
        return stage.conclude(
            adds && sum.isMostlyConfirmed && fired.0 > 0 && fired.1 > 0,
            "a lost answer is not a failure but a question: was it done? So every call carries a key, is asked again "
                + "under the same one, at another instance, and whoever did it before says so instead of doing it twice."
        )
    }
}
