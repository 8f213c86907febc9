internal import COpenSSL

/// A certificate and its private key, as PEM.
public struct IssuedCertificate: Sendable {
    /// The certificate.
    public let certificatePEM: String
    /// PKCS #8, unencrypted: a secret.
    public let keyPEM: String

    /// Writes both, the key readable by its owner only (0600).
    public func write(certificateFile: String, keyFile: String) throws(IdentityError) {
        try SecretFile.write(keyPEM, to: keyFile, mode: 0o600)
        try SecretFile.write(certificatePEM, to: certificateFile, mode: 0o644)
    }
}

/// Issues the certificates that the platform's processes know each other by.
///
/// P-256 throughout. A leaf carries the SPIFFE URI `spiffe://anyway/NAME`, which is what peers
/// check, and DNS names and addresses for clients that check those.
public struct CertificateAuthority: Sendable {
    /// The CA's own certificate: what everybody is given to trust.
    public let certificatePEM: String
    private let certificate: Certificate
    private let key: SigningKey

    /// Makes a new CA, valid ten years.
    public static func make(
        name: String = "Anyway development CA"
    ) throws(IdentityError) -> CertificateAuthority {
        let key = try SigningKey.generate()
        let certificate = try Certificate(name: name, issuerName: name, key: key, days: 3652)
        // No intermediate CAs below this one.
        try certificate.add(
            NID_basic_constraints,
            "critical,CA:TRUE,pathlen:0",
            issuer: certificate
        )
        try certificate.add(NID_key_usage, "critical,keyCertSign,cRLSign", issuer: certificate)
        try certificate.add(NID_subject_key_identifier, "hash", issuer: certificate)
        try certificate.sign(key)
        return try CertificateAuthority(certificate, key)
    }

    /// Takes up a CA made earlier; throws unless the key is the certificate's.
    public init(certificatePEM: String, keyPEM: String) throws(IdentityError) {
        let certificate = try Certificate(pem: certificatePEM)
        let key = try SigningKey(pem: keyPEM)
        guard certificate.belongs(to: key) else {
            throw .malformed("CA: its key is another certificate's")
        }
        try self.init(certificate, key)
    }

    private init(_ certificate: Certificate, _ key: SigningKey) throws(IdentityError) {
        self.certificate = certificate
        self.key = key
        certificatePEM = try certificate.pem()
    }

    /// The CA's private key: a secret.
    public func keyPEM() throws(IdentityError) -> String { try key.pem() }

    /// Issues a certificate for both ends of mutual TLS, with a new key.
    ///
    /// `name` becomes the SPIFFE identity and a DNS name, besides localhost and those given.
    /// Throws `.malformed` for names that are not lower-case DNS names and for addresses that
    /// are not literals: a comma in one would be another name in the certificate.
    public func issue(
        _ name: String,
        dnsNames: [String] = [],
        addresses: [String] = ["127.0.0.1"],
        days: Int = 365
    ) throws(IdentityError) -> IssuedCertificate {
        var alternatives = ["URI:spiffe://anyway/\(name)"]
        for dns in [name, "localhost"] + dnsNames {
            guard Self.isName(dns) else { throw .malformed("name \(dns.prefix(64))") }
            let entry = "DNS:\(dns)"
            if !alternatives.contains(entry) { alternatives.append(entry) }
        }
        for address in addresses {
            guard Self.isAddress(address) else { throw .malformed("address") }
            alternatives.append("IP:\(address)")
        }
        let leafKey = try SigningKey.generate()
        let leaf = try Certificate(
            name: name,
            issuedBy: certificate,
            key: leafKey,
            days: days
        )
        try leaf.add(NID_basic_constraints, "critical,CA:FALSE", issuer: certificate)
        try leaf.add(NID_key_usage, "critical,digitalSignature", issuer: certificate)
        try leaf.add(NID_ext_key_usage, "serverAuth,clientAuth", issuer: certificate)
        try leaf.add(
            NID_subject_alt_name,
            alternatives.joined(separator: ","),
            issuer: certificate
        )
        try leaf.add(NID_subject_key_identifier, "hash", issuer: certificate)
        try leaf.add(NID_authority_key_identifier, "keyid", issuer: certificate)
        try leaf.sign(key)
        return IssuedCertificate(certificatePEM: try leaf.pem(), keyPEM: try leafKey.pem())
    }

    private static func isName(_ name: String) -> Bool {
        (1...63).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private static func isAddress(_ text: String) -> Bool {
        // Unsafe: C parses the text and returns its own object, freed at once.
        guard let parsed = unsafe a2i_IPADDRESS(text) else {
            ERR_clear_error()
            return false
        }
        unsafe ASN1_OCTET_STRING_free(parsed)
        return true
    }
}
