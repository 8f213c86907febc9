import FoundationEssentials
import HTTP
import Identity

/// Access tokens that are wrong, one for each way of RFC 8725 and of the platform's requirements.
struct ForgedTokens {
    let key: SigningKey
    private let now: Int64 = 1_800_000_000
    private let user = UUID().uuidString.lowercased()
    private let session = UUID().uuidString.lowercased()

    init(_ key: SigningKey) { self.key = key }

    private var header: [(String, String)] {
        [("alg", #""ES256""#), ("kid", "\"\(key.id)\""), ("typ", #""at+jwt""#)]
    }

    private var claims: [(String, String)] {
        [
            ("iss", #""https://anyway.local/user""#), ("aud", #""anyway""#),
            ("sub", "\"\(user)\""), ("sid", "\"\(session)\""), ("jti", "\"\(UUID().uuidString)\""),
            ("role", #""customer""#), ("iat", "\(now)"), ("nbf", "\(now)"),
            ("exp", "\(now + 900)"),
        ]
    }

    private func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    /// Members with some replaced, added, or taken out.
    private func object(_ members: [(String, String)], _ name: String, _ value: String?) -> String {
        var members = members.filter { $0.0 != name }
        if let value { members.append((name, value)) }
        return object(members)
    }

    private func input(_ header: String, _ claims: String) -> String {
        Base64.url.encode(Array(header.utf8)) + "." + Base64.url.encode(Array(claims.utf8))
    }

    private func sign(_ input: String) throws -> String {
        input + "." + Base64.url.encode(try key.sign(Array(input.utf8)))
    }

    /// A token that is right, made as the wrong ones are.
    func good() throws -> String { try sign(input(object(header), object(claims))) }

    private func header(_ name: String, _ value: String?) throws -> String {
        try sign(input(object(header, name, value), object(claims)))
    }

    private func claim(_ name: String, _ value: String?) throws -> String {
        try sign(input(object(header), object(claims, name, value)))
    }

    /// All of them, each with its name.
    func all() throws -> [(String, String)] {
        var tokens = try algorithms()
        tokens += try keys()
        tokens += try forms()
        tokens += try contents()
        tokens += try signatures()
        tokens += try times()
        tokens += try names()
        return tokens
    }

    private func algorithms() throws -> [(String, String)] {
        var tokens: [(String, String)] = []
        for name in ["none", "None", "NONE", "nOnE"] {
            let input = input(object(header, "alg", "\"\(name)\""), object(claims))
            tokens.append(("alg \(name), no signature", input + "."))
            tokens.append(("alg \(name), any", input + ".AA"))
        }
        for name in ["RS256", "PS256", "ES384", "ES512", "EdDSA", "es256"] {
            tokens.append(("alg \(name)", try header("alg", "\"\(name)\"")))
        }
        let hashed = input(object(header, "alg", #""HS256""#), object(claims))
        let set = KeySet([key.verifyingKey]).json()
        let tag = HMACSHA256.tag(of: Array(hashed.utf8), key: set)
        tokens.append(("HS256 keyed with the public key", hashed + "." + Base64.url.encode(tag)))
        tokens.append(("no alg", try header("alg", nil)))
        for again in [#","alg":"ES256"}"#, #","\u0061lg":"none"}"#] {
            let text = object(header).dropLast() + again
            tokens.append(("twice \(again)", try sign(input(String(text), object(claims)))))
        }
        return tokens
    }

    private func keys() throws -> [(String, String)] {
        let thief = try SigningKey.generate()
        let jwk = String(decoding: KeySet([thief.verifyingKey]).json(), as: UTF8.self)
        var tokens: [(String, String)] = []
        for (name, kid) in [
            ("unknown", "\"\(thief.id)\""), ("a path", #""../../../dev/null""#),
            ("SQL", #""' OR 1=1 --""#), ("long", "\"\(String(repeating: "k", count: 6000))\""),
            ("a number", "1"),
        ] {
            tokens.append(("kid \(name)", try header("kid", kid)))
        }
        tokens.append(("no kid", try header("kid", nil)))
        for (name, value) in [
            ("jwk", jwk), ("jku", #""http://127.0.0.1:1/jwks""#),
            ("x5u", #""http://127.0.0.1:1/x""#), ("x5c", #"["AAAA"]"#),
        ] {
            let input = input(object(header, name, value), object(claims))
            let signature = Base64.url.encode(try thief.sign(Array(input.utf8)))
            tokens.append(("\(name) of a thief", input + "." + signature))
        }
        tokens.append(("crit", try header("crit", #"["exp"]"#)))
        tokens.append(("b64", try header("b64", "false")))
        for type in ["refresh+jwt", "id+jwt", "JWE", "", "at+jwt "] {
            tokens.append(("typ \(type)", try header("typ", "\"\(type)\"")))
        }
        return tokens
    }

    private func forms() throws -> [(String, String)] {
        let good = try good()
        let parts = good.split(separator: ".").map(String.init)
        let (head, body, end) = (parts[0], parts[1], parts[2])
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let last = digits.firstIndex(of: end.last ?? "A") ?? 0
        let bent: String = String(good.dropLast()) + String(digits[last ^ 1])
        let long: String = "\"" + String(repeating: "x", count: 9000) + "\""
        var tokens: [(String, String)] = []
        func add(_ name: String, _ token: String) { tokens.append((name, token)) }
        add("empty", "")
        add("a word", "token")
        add("two segments", "\(head).\(body)")
        add("four segments", "\(good).AAAA")
        add("a dot more", "\(good).")
        add("no header", ".\(body).\(end)")
        add("no claims", "\(head)..\(end)")
        add("no signature", "\(head).\(body).")
        add("padding", "\(good)==")
        add("trailing bits", bent)
        add("white space", "\(head). \(body).\(end)")
        add("a tab within", "\(head).\(body)\t.\(end)")
        add("standard alphabet", "\(head).\(body).+/+/")
        add("over 8 KiB", try claim("pad", long))
        add("a refresh token", SecureRandom.token())
        return tokens
    }

    private func contents() throws -> [(String, String)] {
        var tokens: [(String, String)] = []
        for text in ["[]", "1", "null", "\"x\"", "", "{", "{}x", " "] {
            tokens.append(("header \(text)", try sign(input(text, object(claims)))))
            tokens.append(("claims \(text)", try sign(input(object(header), text))))
        }
        for extra in [#""sub":"\#(UUID().uuidString)""#, #""s\u0075b":"x""#, #""role":"admin""#] {
            let text = object(claims).dropLast() + ",\(extra)}"
            tokens.append(("twice \(extra)", try sign(input(object(header), String(text)))))
        }
        let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        tokens.append(("deep nesting", try claim("deep", deep)))
        var bytes: [UInt8] = Array((object(claims).dropLast() + #","x":""#).utf8)
        bytes += [0xFF, 0x22, 0x7D]
        let text = Base64.url.encode(Array(object(header).utf8)) + "." + Base64.url.encode(bytes)
        tokens.append(("invalid UTF-8", try sign(text)))
        return tokens
    }

    private func signatures() throws -> [(String, String)] {
        let input = input(object(header), object(claims))
        let raw = try key.sign(Array(input.utf8))
        let (r, s) = (Array(raw[..<32]), Array(raw[32...]))
        let zero = [UInt8](repeating: 0, count: 32)
        let huge = [UInt8](repeating: 0xFF, count: 32)
        // SEQUENCE of two INTEGERs, each with the zero that keeps it positive.
        var der: [UInt8] = [0x30, 0x46]
        for number in [r, s] { der += [0x02, 0x21, 0x00] + number }
        let cases: [(String, [UInt8])] = [
            ("truncated", Array(raw.dropLast())), ("longer", raw + [0]), ("DER", der),
            ("r = 0", zero + s), ("s = 0", r + zero), ("both 0", zero + zero),
            ("r over n", huge + s), ("s over n", r + huge),
            ("of another key", try SigningKey.generate().sign(Array(input.utf8))),
        ]
        var tokens = cases.map { name, bytes in
            ("signature \(name)", input + "." + Base64.url.encode(bytes))
        }
        let other = try claim("role", #""admin""#).split(separator: ".")[2]
        tokens.append(("signature of another token", input + "." + other))
        return tokens
    }

    private func times() throws -> [(String, String)] {
        let values: [(String, String?)] = [
            ("exp", "\(now - 31)"), ("exp", "0"), ("exp", nil), ("exp", "\"\(now + 900)\""),
            ("exp", "1e308"), ("exp", "-1"), ("exp", "null"), ("exp", "[\(now + 900)]"),
            ("nbf", "\(now + 31)"), ("nbf", nil), ("nbf", "\"1\""), ("iat", "\(now + 31)"),
            ("iat", nil), ("iat", "1e300"),
        ]
        return try values.map { name, value in
            ("\(name) \(value ?? "missing")", try claim(name, value))
        }
    }

    private func names() throws -> [(String, String)] {
        let values: [(String, String?)] = [
            ("iss", nil), ("iss", #""https://evil.example""#),
            ("iss", #""https://anyway.local/user/""#),
            ("aud", nil), ("aud", #""other""#), ("aud", #"["other","another"]"#), ("aud", "[]"),
            ("sub", nil), ("sub", #""42""#), ("sub", "42"), ("sub", #""""#), ("sid", nil),
            ("sid", #""x""#), ("role", nil), ("role", #""root""#), ("role", #"["admin"]"#),
            ("jti", nil),
        ]
        return try values.map { name, value in
            ("\(name) \(value ?? "missing")", try claim(name, value))
        }
    }
}
