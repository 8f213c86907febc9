/// Which files a TLS context is made from, and whether the other side must show a certificate.
///
/// All files are PEM. They are read when the context is made and again at every reload, so a
/// rotated certificate takes effect without a restart.
public struct TLSConfiguration: Sendable, Hashable {
    /// The own certificate, followed by any intermediate ones; nil only for a client without one.
    public var certificateFile: String?
    /// The private key of `certificateFile`.
    public var keyFile: String?
    /// Who is trusted to have signed the peer's certificate; nil means the system's trust store.
    public var caFile: String?
    /// Mutual TLS: both sides prove who they are, and nothing older than TLS 1.3 is spoken.
    ///
    /// Without it a server asks clients for no certificate and TLS 1.2 is still accepted. A client
    /// verifies its server either way.
    public var requirePeer: Bool
    /// A folder of further certificates for a server, `NAME.pem` with `NAME.key` beside it; nil for none.
    ///
    /// A client gets the one that is for the name it asks for (SNI), and `certificateFile` where none
    /// is or it asks for no name.
    public var sitesFolder: String?
    /// The newest version that is spoken; an older client is played by lowering it.
    public var newest = Version.tls13

    /// A version of the protocol.
    public enum Version: Sendable, Hashable {
        /// RFC 5246; not for mutual TLS.
        case tls12
        /// RFC 8446.
        case tls13
    }

    /// Names the files; nothing is read yet.
    public init(
        certificateFile: String?,
        keyFile: String?,
        caFile: String?,
        requirePeer: Bool = true,
        sitesFolder: String? = nil
    ) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.caFile = caFile
        self.requirePeer = requirePeer
        self.sitesFolder = sitesFolder
    }
}
