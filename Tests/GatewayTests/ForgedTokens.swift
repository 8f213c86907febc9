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

    /// All of them by name.
    func all() throws -> [(name: String, token: String)] {
        try algorithms() + keys() + forms() + contents() + signatures() + times() + names()
    }

    private func algorithms() throws -> [(String, String)] {
        let none = ["none", "None", "NONE", "nOnE"].map { name in
            let input = input(object(header, "alg", "\"\(name)\""), object(claims))
            return [
                ("alg \(name), no signature", input + "."), ("alg \(name), any", input + ".AA"),
            ]
        }
        let hashed = input(object(header, "alg", #""HS256""#), object(claims))
        let set = KeySet([key.verifyingKey]).json()
        let tag = HMACSHA256.tag(of: Array(hashed.utf8), key: set)
        let others = try ["RS256", "PS256", "ES384", "ES512", "EdDSA", "es256"].map {
            ("alg \($0)", try header("alg", "\"\($0)\""))
        }
        let twice = object(header).dropLast() + #","alg":"ES256"}"#
        let spelled = object(header).dropLast() + #","\u0061lg":"none"}"#
        return none.flatMap(\.self) + others + [
            ("HS256 keyed with the public key", hashed + "." + Base64.url.encode(tag)),
            ("no alg", try header("alg", nil)),
            ("alg twice", try sign(input(String(twice), object(claims)))),
            ("alg twice, once escaped", try sign(input(String(spelled), object(claims)))),
        ]
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
        let bits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let last = bits.firstIndex(of: parts[2].last ?? "A") ?? 0
        return [
            ("empty", ""), ("a word", "token"), ("two segments", "\(parts[0]).\(parts[1])"),
            ("four segments", good + ".AAAA"), ("a dot more", good + "."),
            ("no header", ".\(parts[1]).\(parts[2])"), ("no claims", "\(parts[0])..\(parts[2])"),
            ("no signature", "\(parts[0]).\(parts[1])."), ("padding", good + "=="),
            ("trailing bits", String(good.dropLast()) + String(bits[last ^ 1])),
            ("white space", "\(parts[0]). \(parts[1]).\(parts[2])"),
            ("a tab behind", good + "\t."), ("standard alphabet", "\(parts[0]).\(parts[1]).+/+/"),
            ("over 8 KiB", try claim("pad", "\"\(String(repeating: "x", count: 9000))\"")),
            ("a refresh token", SecureRandom.token()),
        ]
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
        let bytes =
            Array(object(claims).utf8.dropLast()) + Array(#","x":""#.utf8) + [0xFF, 0x22, 0x7D]
        let text = Base64.url.encode(Array(object(header).utf8)) + "." + Base64.url.encode(bytes)
        tokens.append(("invalid UTF-8", try sign(text)))
        return tokens
    }

    private func signatures() throws -> [(String, String)] {
        let input = input(object(header), object(claims))
        let raw = try key.sign(Array(input.utf8))
        let zero = [UInt8](repeating: 0, count: 32)
        let huge = [UInt8](repeating: 0xFF, count: 32)
        let other = try SigningKey.generate().sign(Array(input.utf8))
        // SEQUENCE of two INTEGERs, each with the zero that keeps it positive.
        let der = [0x30, 0x46, 0x02, 0x21, 0x00] + raw[..<32] + [0x02, 0x21, 0x00] + raw[32...]
        return [
            ("truncated", Array(raw.dropLast())), ("longer", raw + [0]), ("DER", Array(der)),
            ("r = 0", zero + raw[32...]), ("s = 0", raw[..<32] + zero), ("both 0", zero + zero),
            ("r over n", huge + raw[32...]), ("s over n", raw[..<32] + huge),
            ("of another key", other), ("nothing", [UInt8](repeating: 0, count: 64)),
        ].map { ("signature \($0.0)", input + "." + Base64.url.encode($0.1)) } + [
            (
                "signature of another token",
                input + "." + String(try claim("role", #""admin""#).split(separator: ".")[2])
            )
        ]
    }

    private func times() throws -> [(String, String)] {
        let values: [(String, String?)] = [
            ("exp", "\(now - 31)"), ("exp", "0"), ("exp", nil), ("exp", "\"\(now + 900)\""),
            ("exp", "1e308"), ("exp", "-1"), ("exp", "null"), ("exp", "[\(now + 900)]"),
            ("nbf", "\(now + 31)"), ("nbf", nil), ("nbf", "\"1\""), ("iat", "\(now + 31)"),
            ("iat", nil), ("iat", "1e300"),
        ]
        return try values.map { ("\($0.0) \($0.1 ?? "missing")", try claim($0.0, $0.1)) }
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
        return try values.map { ("\($0.0) \($0.1 ?? "missing")", try claim($0.0, $0.1)) }
    }
}
