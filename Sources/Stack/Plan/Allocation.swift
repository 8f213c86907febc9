/// Hands out ports: remembered ones first, so that a process comes back where its peers know it.
enum Allocation {
    /// Ports for all instances and PostgreSQL.
    struct Result: Equatable {
        var services: [InstanceName: PortPair]
        var postgres: UInt16
    }

    /// The gateway listens where the user said; everything else where it was, or anywhere free.
    static func ports(
        for instances: [InstanceName],
        gateway: UInt16,
        https: UInt16? = nil,
        remembered: [InstanceName: PortPair],
        postgres: UInt16?,
        isFree: (UInt16) -> Bool = Ports.isFree
    ) throws(StackError) -> Result {
        var taken: Set<UInt16> = [gateway]
        if let https { taken.insert(https) }
        for pair in remembered.values { taken.formUnion([pair.listen, pair.admin]) }
        if let postgres { taken.insert(postgres) }
        func fresh() throws(StackError) -> UInt16 {
            let port = try Ports.choose(avoiding: taken, isFree: isFree)
            taken.insert(port)
            return port
        }
        func keep(_ port: UInt16?) throws(StackError) -> UInt16 {
            if let port, port != https, isFree(port) { return port }
            return try fresh()
        }
        var services: [InstanceName: PortPair] = [:]
        for name in instances {
            let old = remembered[name]
            // The second and further gateways are for tests: only the first has the public port.
            let isFront = name.service == .gateway && name.number == 1
            services[name] = PortPair(
                listen: isFront ? gateway : try keep(old?.listen),
                admin: try keep(old?.admin)
            )
        }
        return Result(services: services, postgres: try keep(postgres))
    }
}
