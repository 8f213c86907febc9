internal import Contracts
internal import HTTP
internal import Telemetry

/// The body of `POST /users`.
struct RegistrationForm: Decodable {
    let email: String
    let password: String
    let name: String
}

extension UserRoutes {
    /// Makes a customer's account; 409 when the e-mail address has one.
    func register(_ request: Request) async throws(Problem) -> Response {
        let form = try await request.json(RegistrationForm.self, limit: Self.formLimit)
        let registration = try checked { () throws(Flaws) in
            try Registration(email: form.email, password: form.password, name: form.name)
        }
        guard let profile = try await accounts.make(registration, as: .customer) else {
            throw Problem(
                .conflict,
                "email-taken",
                detail: "there is an account with this e-mail address",
                errors: [.init(pointer: "/email", detail: "is taken")]
            )
        }
        log.info("user registered", ["user": .string(profile.id.description)])
        return profile.response(.created, headers: [.location: "/users/me"])
    }
}
