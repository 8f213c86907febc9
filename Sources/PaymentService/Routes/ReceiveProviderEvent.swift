internal import FoundationEssentials
internal import HTTP
internal import Postgres

/// Takes the provider's webhooks: `POST /webhooks/provider`.
///
/// An event is believed only as a hint. It names an intent, and the intent is examined as the next
/// comparison would examine it, so that an event told twice, late, out of order or never changes
/// nothing but the time at which a difference is found.
struct WebhookRoutes: Sendable {
    /// An event is a few kilobytes.
    static let bodyLimit = 64 << 10

    let audit: ProviderAudit
    let secret: WebhookSecret
    /// Seconds since 1970; tests bring their own.
    var now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }

    func register(_ routes: inout Router) {
        routes.on(.post, "/webhooks/provider", from: "gateway") { request throws(Problem) in
            try await receive(request)
        }
    }

    /// - Throws: 401 without a fresh and true signature, 400 for what is no event, 503 when the
    ///   intent could not be examined; the provider then sends the event again.
    private func receive(_ request: Request) async throws(Problem) -> Response {
        let content = try await request.body(limit: Self.bodyLimit)
        guard let header = request.headers["stripe-signature"],
            let signature = WebhookSignature(header),
            signature.proves(content, secret: secret, now: now())
        else {
            throw Problem(
                .unauthorized,
                "bad-signature",
                detail: "The signature is missing, too old or not of this content."
            )
        }
        guard let event = try? JSONDecoder().decode(ProviderEvent.self, from: Data(content)) else {
            throw .badRequest("the content is not an event")
        }
        guard let intent = event.intent, StripeClient.isID(intent) else { return .empty(.ok) }
        do throws(ProviderAudit.Stop) {
            try await audit.hasten(intent)
            return .empty(.ok)
        } catch {
            var problem = Problem.unavailable(
                "The event cannot be looked into now; send it again.",
                retryAfter: .seconds(30)
            )
            problem.cause = "\(error)"
            throw problem
        }
    }
}

/// An event as far as we read it; names as on the wire.
private struct ProviderEvent: Decodable {
    struct Content: Decodable {
        let object: Object
    }

    struct Object: Decodable {
        let object: String
        let id: String
        let payment_intent: String?
    }

    let data: Content

    /// The intent that it is about.
    var intent: String? {
        data.object.object == "payment_intent" ? data.object.id : data.object.payment_intent
    }
}
