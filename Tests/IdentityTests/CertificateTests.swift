import Glibc
import Identity
import Testing

@Suite struct CertificateTests {
    @Test func `an authority survives its PEM and goes on issuing`() throws {
        let made = try CertificateAuthority.make()
        let again = try CertificateAuthority(
            certificatePEM: made.certificatePEM,
            keyPEM: made.keyPEM()
        )
        #expect(again.certificatePEM == made.certificatePEM)
        let leaf = try again.issue("order")
        #expect(leaf.certificatePEM.hasPrefix("-----BEGIN CERTIFICATE-----"))
        #expect(leaf.keyPEM.hasPrefix("-----BEGIN PRIVATE KEY-----"))
    }

    @Test func `an authority is refused another's key`() throws {
        let one = try CertificateAuthority.make()
        let other = try CertificateAuthority.make()
        #expect(throws: IdentityError.malformed("CA: its key is another certificate's")) {
            try CertificateAuthority(certificatePEM: one.certificatePEM, keyPEM: other.keyPEM())
        }
        #expect(throws: IdentityError.malformed("certificate")) {
            try CertificateAuthority(certificatePEM: "", keyPEM: one.keyPEM())
        }
    }

    @Test(arguments: [
        "", "Order", "order,URI:spiffe://anyway/gateway", "order\n", "a b", "é", "order/../gateway",
        String(repeating: "a", count: 64),
    ]) func `a name cannot smuggle another into the certificate`(name: String) throws {
        let authority = try CertificateAuthority.make()
        #expect(throws: IdentityError.self) { try authority.issue(name) }
        #expect(throws: IdentityError.self) { try authority.issue("order", dnsNames: [name]) }
        #expect(throws: IdentityError.self) { try authority.issue("order", addresses: [name]) }
    }

    @Test func `a key file is its owner's alone, and replaced in one step`() throws {
        let folder = try TemporaryFolder()
        let authority = try CertificateAuthority.make()
        umask(0)
        for _ in 0..<2 {
            let leaf = try authority.issue("order")
            try leaf.write(
                certificateFile: "\(folder.path)/order.pem",
                keyFile: "\(folder.path)/order.key"
            )
            #expect(try mode("\(folder.path)/order.key") == 0o600)
            #expect(try mode("\(folder.path)/order.pem") == 0o644)
        }
        #expect(try folder.names() == ["order.key", "order.pem"])
    }

    @Test func `a file that cannot be written is named`() throws {
        #expect(throws: IdentityError.file(path: "/nowhere/k", reason: "No such file or directory"))
        {
            try SecretFile.write("x", to: "/nowhere/k")
        }
    }

    private func mode(_ path: String) throws -> UInt32 {
        var info = stat()
        try #require(stat(path, &info) == 0)
        return UInt32(info.st_mode) & 0o777
    }
}

/// A folder of the test's own, removed with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/anyway-test-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
        for name in (try? names()) ?? [] { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    func names() throws -> [String] {
        let folder = try #require(opendir(path))
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
