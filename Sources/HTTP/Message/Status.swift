/// A response status (RFC 9110 §15); its reason phrase follows from the code.
public struct Status: Sendable, Hashable, CustomStringConvertible {
    /// The three-digit code, 100 to 599.
    public let code: Int

    /// The status with this code; anything outside 100 to 599 is a programming error.
    public init(_ code: Int) {
        precondition((100...599).contains(code), "status codes have three digits, 100 to 599")
        self.code = code
    }

    /// 200 OK.
    public static let ok = Status(200)
    /// 201 Created.
    public static let created = Status(201)
    /// 202 Accepted.
    public static let accepted = Status(202)
    /// 204 No Content.
    public static let noContent = Status(204)
    /// 304 Not Modified.
    public static let notModified = Status(304)
    /// 400 Bad Request.
    public static let badRequest = Status(400)
    /// 401 Unauthorized.
    public static let unauthorized = Status(401)
    /// 402 Payment Required.
    public static let paymentRequired = Status(402)
    /// 403 Forbidden.
    public static let forbidden = Status(403)
    /// 404 Not Found.
    public static let notFound = Status(404)
    /// 405 Method Not Allowed.
    public static let methodNotAllowed = Status(405)
    /// 406 Not Acceptable.
    public static let notAcceptable = Status(406)
    /// 408 Request Timeout.
    public static let requestTimeout = Status(408)
    /// 409 Conflict.
    public static let conflict = Status(409)
    /// 410 Gone.
    public static let gone = Status(410)
    /// 412 Precondition Failed.
    public static let preconditionFailed = Status(412)
    /// 413 Content Too Large.
    public static let contentTooLarge = Status(413)
    /// 414 URI Too Long.
    public static let targetTooLong = Status(414)
    /// 415 Unsupported Media Type.
    public static let unsupportedMediaType = Status(415)
    /// 417 Expectation Failed.
    public static let expectationFailed = Status(417)
    /// 422 Unprocessable Content.
    public static let unprocessable = Status(422)
    /// 428 Precondition Required.
    public static let preconditionRequired = Status(428)
    /// 429 Too Many Requests.
    public static let tooManyRequests = Status(429)
    /// 431 Request Header Fields Too Large.
    public static let headersTooLarge = Status(431)
    /// 500 Internal Server Error.
    public static let internalServerError = Status(500)
    /// 501 Not Implemented.
    public static let notImplemented = Status(501)
    /// 502 Bad Gateway.
    public static let badGateway = Status(502)
    /// 503 Service Unavailable.
    public static let serviceUnavailable = Status(503)
    /// 504 Gateway Timeout.
    public static let gatewayTimeout = Status(504)
    /// 505 HTTP Version Not Supported.
    public static let versionNotSupported = Status(505)

    /// Whether the code is 2xx.
    public var isSuccess: Bool { (200...299).contains(code) }

    /// Whether a response with this status never has content (RFC 9110 §6.4.1).
    public var forbidsContent: Bool { code < 200 || code == 204 || code == 304 }

    /// Code and reason, as in `404 Not Found`.
    public var description: String { "\(code) \(reason)" }

    /// The phrase for people that RFC 9110 and RFC 6585 give the code; empty when they give none.
    public var reason: String {
        switch code {
        case 100: "Continue"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 203: "Non-Authoritative Information"
        case 204: "No Content"
        case 205: "Reset Content"
        case 206: "Partial Content"
        case 300...399: redirection
        case 400...499: clientError
        case 500...599: serverError
        default: ""
        }
    }

    private var redirection: String {
        switch code {
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        default: ""
        }
    }

    private var clientError: String {
        switch code {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 425: "Too Early"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        default: ""
        }
    }

    private var serverError: String {
        switch code {
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        default: ""
        }
    }
}
