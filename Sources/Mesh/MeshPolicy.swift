/// How one service calls another: every number, with the defaults of the design.
public struct MeshPolicy: Sendable {
    /// How long one try may take.
    public var tryTimeout: Duration = .seconds(2)
    /// How long the whole call may take; never past the caller's deadline.
    public var callTimeout: Duration = .seconds(5)
    /// Tries after the first.
    public var retries = 3
    /// Whether there are any, whatever a single call asks for.
    public var retriesCalls = true
    /// Waits between tries.
    public var backoff = Backoff()
    /// Retries as a share of calls, for all callers of the upstream together.
    public var retryBudget = RetryBudget.Policy()
    /// How the instance for a call is found.
    public var balancing = Balancer.Kind.leastRequests
    /// How an instance that joined or recovered comes to its share of calls.
    public var slowStart = SlowStart()
    /// For each instance.
    public var breaker = CircuitBreaker.Policy()
    /// For each instance.
    public var health = InstanceHealth.Policy()
    /// What an instance is asked to see whether it is ready; nil when it is not asked at all.
    public var healthPath: String? = "/health/ready"
    /// Most calls in flight to the upstream.
    public var maxInFlight = 512
    /// Most calls that wait for a place.
    public var maxQueue = 512
    /// What callers are told to wait when there is no place.
    public var overloadRetryAfter: Duration = .seconds(1)
    /// How often a DNS name is resolved again.
    public var resolveInterval: Duration = .seconds(5)
    /// Most instances a name may resolve to.
    public var maxInstances = 256

    /// The defaults.
    public init() {}
}
