internal import HTTP

/// The troubles that each stack of `load ablation` meets: one for each guard, the same for the same seed.
struct AblationPlan: Sendable {
    /// How long customers come, troubles or not.
    static let seconds = 50
    /// The rule that counts the charges that are asked for, and does nothing.
    static let counter = "ablation-count"
    /// What each process is told on top of what is left out: a breaker that is open for 30 s would be all
    /// that a run of 50 s shows.
    static let settings = ["--set", "BREAKER_OPEN_TIME=5s"]
    /// Enough for somebody else to take over.
    static let replicas = [
        "--replicas", "gateway=1,user=1,product=2,order=2,payment=2,notification=1",
    ]

    private static let charge: JSONValue = "PUT /payments/{order_id}"

    let troubles: [ChaosPlan.Trouble]

    init(seed: UInt64, members: [Member]) {
        var random = SplitMix(state: seed)
        var troubles: [ChaosPlan.Trouble] = []
        func add(_ at: Double, _ lasts: Double, _ kind: ChaosPlan.Trouble.Kind, _ target: Member?) {
            guard let target else { return }
            let later = Double.random(in: 0...1, using: &random)
            troubles.append(.init(kind: kind, target: target, at: at + later, lasts: lasts))
        }
        func named(_ service: String) -> [Member] { members.filter { $0.service == service } }
        let orders = named("order").shuffled(using: &random)
        let products = named("product").shuffled(using: &random)
        for provider in named("provider") { add(1, 40, Self.unheardCharges, provider) }
        for payment in named("payment") {
            add(1, 26, Self.unheard, payment)
            add(30, 7, Self.failing, payment)
            add(39, 6, Self.dead, payment)
        }
        for product in products { add(1, 26, Self.lost, product) }
        // Not before: whoever is killed forgets its faults.
        add(33, 3, .kill, products.last)
        add(16, 8, Self.slow, products.first)
        // Longer than a lease: somebody else drives its sagas meanwhile.
        add(4, 10, .pause, orders.first)
        add(17, 10, .pause, orders.last)
        add(28.5, 2, .kill, orders.first)
        self.troubles = troubles.sorted { $0.at < $1.at }
    }

    private static let unheardCharges = ChaosPlan.Trouble.Kind.fault(
        [
            "name": "ablation-unheard", "route": "POST /v1/payment_intents", "drop_reply": true,
            "percent": 10,
        ],
        "loses 10% of its answers to charges"
    )
    private static let unheard = ChaosPlan.Trouble.Kind.fault(
        ["name": "ablation-unheard", "route": charge, "drop_reply": true, "percent": 15],
        "loses 15% of its answers"
    )
    private static let lost = ChaosPlan.Trouble.Kind.fault(
        ["name": "ablation-lost", "drop_request": true, "percent": 12],
        "loses 12% of its requests"
    )
    private static let slow = ChaosPlan.Trouble.Kind.fault(
        ["name": "ablation-slow", "latency_ms": 2500],
        "takes 2.5 s for everything"
    )
    private static let failing = ChaosPlan.Trouble.Kind.fault(
        ["name": "ablation-failing", "route": charge, "error": 503, "percent": 40],
        "answers 40% of charges with 503"
    )
    private static let dead = ChaosPlan.Trouble.Kind.fault(
        ["name": "ablation-dead", "route": charge, "error": 503],
        "answers every charge with 503"
    )
    /// Sees every charge and lets it be.
    static let counting: JSONValue = [
        "name": .string(counter), "route": charge, "latency_ms": 0,
    ]
}
