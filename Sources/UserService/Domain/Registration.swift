/// What somebody must say to have an account; checked.
struct Registration: Sendable {
    let email: EmailAddress
    /// In clear, and so never described.
    let password: String
    let name: String

    /// Short enough that hashing costs what it costs, long enough for any passphrase.
    static let passwordLength = 8...256

    /// Checks all three and tells all that is wrong.
    init(email: String, password: String, name: String) throws(Flaws) {
        var flaws = Flaws()
        let address = EmailAddress(email)
        flaws.require(address != nil, "/email", "must be an e-mail address like name@example.com")
        flaws.require(
            Self.passwordLength.contains(password.unicodeScalars.count),
            "/password",
            "must have 8 to 256 characters"
        )
        flaws.require(name: name)
        try flaws.finish()
        guard let address else { throw flaws }
        self.email = address
        self.password = password
        self.name = name
    }
}

extension Flaws {
    /// Requires a name that a mail and a page can show: 1 to 100 characters, none of control.
    mutating func require(name: String) {
        let scalars = name.unicodeScalars
        require(
            (1...100).contains(scalars.count) && !name.allSatisfy(\.isWhitespace)
                && scalars.allSatisfy { $0.properties.generalCategory != .control },
            "/name",
            "must have 1 to 100 characters, none of them control characters"
        )
    }
}
