internal import ServiceKit

/// The user service's own settings.
struct UserConfiguration: Sendable {
    /// The administrator to make at the first start; nil when neither variable is set.
    let administrator: Registration?

    /// Reads `ADMIN_EMAIL` and `ADMIN_PASSWORD` (or `ADMIN_PASSWORD_FILE`), both or neither.
    init(_ environment: borrowing Environment) throws(ConfigurationError) {
        let email = environment.optional("ADMIN_EMAIL")
        let password = try environment.secret("ADMIN_PASSWORD")
        guard email != nil || password != nil else {
            administrator = nil
            return
        }
        guard let email, EmailAddress(email) != nil else {
            throw ConfigurationError(
                "ADMIN_EMAIL",
                "must be an e-mail address, since ADMIN_PASSWORD is set or it is set itself",
                example: "admin@example.com"
            )
        }
        // The value is not told: it may be the password with something missing.
        guard let password,
            let registration = try? Registration(
                email: email,
                password: password,
                name: "Administrator"
            )
        else {
            throw ConfigurationError(
                "ADMIN_PASSWORD",
                "must have 8 to 256 characters, since ADMIN_EMAIL is set",
                example: "correct-horse-battery-staple"
            )
        }
        administrator = registration
    }
}
