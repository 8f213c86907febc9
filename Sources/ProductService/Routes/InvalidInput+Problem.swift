internal import HTTP

extension InvalidInput {
    /// 400: query parameters are wrong; each is named as `?name`.
    var queryProblem: Problem {
        Problem(
            .badRequest,
            "invalid-parameter",
            detail: flaws.map { "\($0.place) \($0.detail)" }.joined(separator: "; "),
            errors: flaws.map { Problem.Field(pointer: "?\($0.place)", detail: $0.detail) }
        )
    }

    /// 422: fields of the body are wrong; each is named by its JSON pointer.
    var bodyProblem: Problem {
        .invalid(flaws.map { Problem.Field(pointer: $0.place, detail: $0.detail) })
    }
}
