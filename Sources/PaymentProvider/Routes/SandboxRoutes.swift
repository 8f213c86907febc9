internal import FoundationEssentials
internal import HTTP
internal import Telemetry

/// The part of Stripe's API that the sandbox speaks (https://docs.stripe.com/api).
struct SandboxRoutes: Sendable {
    let store: SandboxStore
    let key: BearerKey
    let log: Logger
    /// Nil when nobody is told of anything.
    var webhooks: WebhookSender?

    /// The table of routes.
    func register(_ routes: inout Router) {
        routes.on(.post, "/v1/payment_intents", stripe(createIntent))
        routes.on(.get, "/v1/payment_intents", stripe(listIntents))
        routes.on(.get, "/v1/payment_intents/search", stripe(searchIntents))
        routes.on(.get, "/v1/payment_intents/{id}", stripe(showIntent))
        routes.on(.post, "/v1/payment_intents/{id}/cancel", stripe(cancelIntent))
        routes.on(.post, "/v1/refunds", stripe(createRefund))
        routes.on(.get, "/v1/refunds", stripe(listRefunds))
    }

    /// An endpoint: its errors are Stripe's, not problem documents.
    typealias Endpoint = @Sendable (Request) async throws(StripeError) -> Response

    /// Checks the key before anything else and answers errors in Stripe's shape.
    private func stripe(_ endpoint: @escaping Endpoint) -> Handler {
        { request throws(Problem) in
            var response: Response
            do throws(StripeError) {
                guard key.matches(authorization: request.headers[.authorization]) else {
                    throw .wrongKey
                }
                response = try await endpoint(request)
            } catch {
                response = .json(error, status: Status(error.status))
                if error == .wrongKey { response.headers[.wwwAuthenticate] = "Bearer" }
                if error.status >= 500 {
                    log.error("a request failed", ["message": .string(error.message)])
                }
            }
            response.headers["request-id"] = StripeID.make("req")
            return response
        }
    }
}

extension Request {
    /// The form in the body; an empty one if there is none.
    func stripeForm() async throws(StripeError) -> FormFields {
        let bytes: [UInt8]
        do throws(Problem) {
            bytes = try await body(limit: Limits.bodyBytes)
        } catch {
            throw StripeError(
                status: error.status.code,
                message: error.detail ?? error.status.reason
            )
        }
        guard bytes.isEmpty || mediaType == "application/x-www-form-urlencoded" else {
            throw StripeError(
                status: 400,
                message: "The content must be application/x-www-form-urlencoded."
            )
        }
        guard let fields = FormFields(bytes) else {
            throw StripeError(status: 400, message: "The form is malformed or repeats a field.")
        }
        return fields
    }

    /// The fields of the query.
    func stripeQuery() throws(StripeError) -> FormFields {
        guard let fields = FormFields(Array(query.text.utf8)) else {
            throw StripeError(status: 400, message: "The query is malformed or repeats a field.")
        }
        return fields
    }

    /// The id in the path; nothing that could not be one reaches the database.
    func stripeID(_ object: String) throws(StripeError) -> String {
        guard let id = try? parameter("id"), id.utf8.count <= 64 else {
            throw .noSuch(object, param: "intent", status: 404)
        }
        return id
    }

    /// Binds the request to its `Idempotency-Key`.
    func keyed(_ fields: FormFields) throws(StripeError) -> KeyedRequest {
        let key = headers[.idempotencyKey]
        guard (key?.utf8.count ?? 1) <= Limits.keyBytes, key?.isEmpty != true else {
            throw StripeError(
                status: 400,
                type: "idempotency_error",
                message: "Idempotency keys have 1 to \(Limits.keyBytes) characters."
            )
        }
        return KeyedRequest(key: key, path: "\(method) \(path)", fields: fields)
    }
}

extension StoredAnswer {
    /// An answer with a JSON body.
    init(_ value: some Encodable, status: Int = 200) throws(StripeError) {
        guard let bytes = try? JSON.encode(value) else {
            throw StripeError(status: 500, type: "api_error", message: "Cannot write the answer.")
        }
        self.init(status: status, body: String(decoding: bytes, as: UTF8.self))
    }
}

extension SandboxStore.Outcome {
    /// The answer, marked if it was given before.
    var response: Response {
        switch self {
        case .done(let answer): answer.response(headers: [:])
        case .replayed(let answer): answer.response(headers: ["idempotent-replayed": "true"])
        }
    }
}

extension StoredAnswer {
    fileprivate func response(headers: Headers) -> Response {
        .bytes(
            Array(body.utf8),
            type: "application/json",
            status: Status(status),
            headers: headers
        )
    }
}

/// Seconds since 1970, as Stripe stamps objects; nothing is decided by it.
func stripeNow() -> Int64 {
    Int64(Date().timeIntervalSince1970)
}
