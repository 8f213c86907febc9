internal import Identity

/// `stack provision`: certificates, secrets and the role script for a stack in containers.
///
/// Each service gets a folder of its own, so that each container mounts nothing but what is its own:
///
///     DIR/order/      authority.pem certificate.pem key.pem database-url …
///     DIR/postgres/   roles.sql password
struct Provision {
    /// DIR.
    let root: String

    /// The host name and port of PostgreSQL as the containers see it.
    static let server = "postgres:5432"

    /// Makes everything once; a second run changes nothing.
    func run() throws(StackError) {
        let marker = "\(root)/postgres/roles.sql"
        guard Files.text(marker) == nil else {
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
        var passwords: [(service: ServiceName, password: String)] = []
        for service in ServiceName.allCases {
            let folder = "\(root)/\(service.rawValue)"
            try Files.makeFolder(folder, mode: 0o700)
            if service.isInsideMesh {
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
            if service.hasDatabase {
                let password = Secrets.random(32)
                passwords.append((service, password))
                let url = DatabaseSetup.url(service, password: password, server: Self.server)
                try Files.replace("\(folder)/database-url", with: url + "\n")
            }
        }
        let key = "sk_test_" + Secrets.random(32) + "\n"
        try Files.replace("\(root)/payment/provider-key", with: key)
        try Files.replace("\(root)/provider/provider-key", with: key)
        try Files.replace("\(root)/user/admin-password", with: Secrets.random(20) + "\n")
        try postgres(passwords)
    }

    /// PostgreSQL's image reads these as a user of its own; only its container mounts the folder.
    private func postgres(
        _ passwords: [(service: ServiceName, password: String)]
    ) throws(StackError) {
        let folder = "\(root)/postgres"
        try Files.makeFolder(folder)
        try Files.replace("\(folder)/password", with: Secrets.random(32) + "\n", mode: 0o644)
        // Last: whoever finds it knows that all the rest is there.
        try Files.replace(
            "\(folder)/roles.sql",
            with: DatabaseSetup.script(passwords: passwords),
            mode: 0o644
        )
    }
}
