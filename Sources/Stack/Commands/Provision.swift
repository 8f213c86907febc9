internal import Identity

/// `stack provision`: certificates, secrets and role scripts for a stack in containers.
///
/// Each container gets a folder of its own, so that it mounts nothing but what is its own:
///
///     DIR/order/            authority.pem certificate.pem key.pem database-url …
///     DIR/order-postgres/   roles.sql password
///     DIR/verify/           databases
struct Provision {
    /// DIR.
    let root: String

    /// The host name and port of a service's PostgreSQL as the containers see it.
    static func server(_ service: ServiceName) -> String { "\(service.rawValue)-postgres:5432" }

    /// What `stack verify --databases` reads; written last, so whoever finds it knows that all is there.
    var databases: String { "\(root)/verify/databases" }

    /// Makes everything once; a second run changes nothing.
    func run() throws(StackError) {
        guard Files.text(databases) == nil else {
            Terminal.say("\(root) is provisioned already")
            return
        }
        do {
            try provision()
        } catch let error as StackError {
            throw error
        } catch {
            throw .unavailable("provision: \(error)")
        }
        Terminal.say("provisioned \(root)")
    }

    private func provision() throws {
        let authority = try CertificateAuthority.make()
        for service in ServiceName.allCases {
            let folder = "\(root)/\(service.rawValue)"
            try Files.makeFolder(folder, mode: 0o700)
            guard service.isInsideMesh else { continue }
            try authority.issue(service.rawValue).write(
                certificateFile: "\(folder)/certificate.pem",
                keyFile: "\(folder)/key.pem"
            )
            try SecretFile.write(
                authority.certificatePEM,
                to: "\(folder)/authority.pem",
                mode: 0o644
            )
        }
        let key = "sk_test_" + Secrets.random(32) + "\n"
        try Files.replace("\(root)/payment/provider-key", with: key)
        try Files.replace("\(root)/provider/provider-key", with: key)
        try Files.replace("\(root)/user/admin-password", with: Secrets.random(20) + "\n")
        try provisionDatabases()
    }

    private func provisionDatabases() throws(StackError) {
        var addresses = DatabaseAddresses()
        for service in ServiceName.allCases where service.hasDatabase {
            let (own, reader) = (Secrets.random(32), Secrets.random(32))
            try Files.replace(
                "\(root)/\(service.rawValue)/database-url",
                with: DatabaseSetup.url(service, password: own, server: Self.server(service)) + "\n"
            )
            addresses.urls[service] = DatabaseSetup.url(
                service,
                role: DatabaseSetup.reader,
                password: reader,
                server: Self.server(service)
            )
            // PostgreSQL's image reads these as a user of its own; only its container mounts them.
            let folder = "\(root)/\(service.rawValue)-postgres"
            try Files.makeFolder(folder)
            try Files.replace("\(folder)/password", with: Secrets.random(32) + "\n", mode: 0o644)
            try Files.replace(
                "\(folder)/roles.sql",
                with: DatabaseSetup.script(passwords: [(service, own)])
                    + DatabaseSetup.script(readerOf: service, password: reader),
                mode: 0o644
            )
        }
        try Files.makeFolder("\(root)/verify", mode: 0o700)
        try Files.replace(databases, with: addresses.text)
    }
}
