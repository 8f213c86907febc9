internal import Glibc
internal import Identity

/// A private certificate authority, and one certificate per process that names its service.
struct Certificates {
    let layout: Layout

    /// Certificates are good for a year; one older than this is made anew at the next `up`.
    static let oldest = 300 * 86_400

    /// Makes what is missing or getting old.
    func prepare(_ plans: [ProcessPlan]) throws(StackError) {
        let wanted = plans.filter { $0.environment["TLS_CERT"] != nil }
        do {
            let (authority, isNew) = try authority()
            for plan in wanted {
                let name = plan.name.description
                let files = (layout.certificate(name), layout.key(name))
                if !isNew && isFresh(files.0) && isFresh(files.1) { continue }
                try authority.issue(plan.name.service.rawValue)
                    .write(certificateFile: files.0, keyFile: files.1)
            }
        } catch {
            throw .unavailable("certificates: \(error)")
        }
    }

    /// The authority made before, or a new one; with a new one no old certificate is worth anything.
    private func authority() throws(IdentityError) -> (CertificateAuthority, isNew: Bool) {
        let keyFile = layout.key("authority")
        if let certificate = Files.text(layout.authority), let key = Files.text(keyFile) {
            return (try CertificateAuthority(certificatePEM: certificate, keyPEM: key), false)
        }
        let authority = try CertificateAuthority.make()
        try SecretFile.write(try authority.keyPEM(), to: keyFile)
        try SecretFile.write(authority.certificatePEM, to: layout.authority, mode: 0o644)
        return (authority, true)
    }

    private func isFresh(_ path: String) -> Bool {
        guard let info = Files.status(path) else { return false }
        return time(nil) - info.st_mtim.tv_sec < Self.oldest
    }
}
