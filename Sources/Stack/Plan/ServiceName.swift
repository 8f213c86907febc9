/// The services of the platform, in the order in which people think of them.
enum ServiceName: String, CaseIterable, Codable, Comparable {
    case gateway, user, product, order, payment, notification, provider

    /// How many processes of it a full stack runs.
    var defaultReplicas: Int {
        switch self {
        case .gateway, .provider: 1
        case .payment, .notification: 2
        case .user: 3
        case .order: 4
        case .product: 5
        }
    }

    /// Whether it owns a database, of its own name.
    var hasDatabase: Bool { self != .gateway }

    /// The provider stands for a company outside: it speaks plain HTTP with a bearer key.
    var isInsideMesh: Bool { self != .provider }

    /// Everything passes the gateway; the others share the machine in more processes.
    var eventLoops: Int { self == .gateway ? 2 : 1 }

    /// Whom it calls over the mesh.
    var upstreams: [ServiceName] {
        switch self {
        case .gateway: [.user, .product, .order, .payment, .notification]
        case .order: [.product, .payment]
        case .notification: [.order, .user, .payment]
        case .user, .product, .payment, .provider: []
        }
    }

    static func < (left: ServiceName, right: ServiceName) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// One process of a service: `order.2`.
struct InstanceName: Hashable, Comparable, Codable, CustomStringConvertible {
    var service: ServiceName
    /// Counted from 1.
    var number: Int

    var description: String { "\(service.rawValue).\(number)" }

    static func < (left: InstanceName, right: InstanceName) -> Bool {
        (left.service, left.number) < (right.service, right.number)
    }
}

/// What a command acts on: PostgreSQL, one process, or every process of a service.
enum Target: Equatable {
    case postgres
    case service(ServiceName)
    case instance(InstanceName)

    /// Reads `order`, `order.2` or `postgres`.
    init(_ word: String) throws(StackError) {
        if word == "postgres" {
            self = .postgres
            return
        }
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        guard let first = parts.first, let service = ServiceName(rawValue: String(first)),
            parts.count <= 2
        else { throw .usage("there is no process \"\(word)\"; names are \(Target.known)") }
        guard parts.count == 2 else {
            self = .service(service)
            return
        }
        guard let number = Int(parts[1]), number >= 1 else {
            throw .usage("\"\(word)\" is not a process; write \(first) or \(first).1")
        }
        self = .instance(InstanceName(service: service, number: number))
    }

    static var known: String {
        ServiceName.allCases.map(\.rawValue).joined(separator: ", ") + " and postgres"
    }
}
