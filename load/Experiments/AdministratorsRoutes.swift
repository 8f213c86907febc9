/// The routes file of an experiment's own gateway, in the versions that administrators make of it.
enum AdministratorsRoutes {
    /// What customers need; with the catalog or without, and with a slip of the pen or without.
    static func text(catalog: Bool = true, auth: String = "required") -> String {
        let upstreams = ["user", "product", "order"].map { name in
            #"    "\#(name)": {"endpoints": "$UPSTREAM_\#(name.uppercased())", "health": "/health/ready"}"#
        }
        let json = #""types": ["application/json"]"#
        var routes = [
            #"{"path": "/users/login", "methods": ["POST"], "upstream": "user", \#(json)}"#,
            #"{"path": "/users/me", "methods": ["GET"], "upstream": "user", "auth": "required", \#(json)}"#,
            #"{"path": "/.well-known/jwks.json", "methods": ["GET"], "upstream": "user", \#(json)}"#,
            #"{"path": "/products/{id}", "methods": ["GET"], "upstream": "product", \#(json)}"#,
            #"{"path": "/products/{id}", "methods": ["PATCH"], "upstream": "product", "auth": "role:admin", \#(json)}"#,
            #"{"path": "/orders", "methods": ["POST"], "upstream": "order", "auth": "\#(auth)", "timeout_ms": 15000, "honours_key": true, \#(json)}"#,
            #"{"path": "/orders/{id}", "methods": ["GET"], "upstream": "order", "auth": "required", \#(json)}"#,
        ]
        if catalog {
            routes.append(
                #"{"path": "/products", "methods": ["GET"], "upstream": "product", \#(json)}"#
            )
        }
        return """
            {
              "upstreams": {
            \(upstreams.joined(separator: ",\n"))
              },
              "keys": {"upstream": "user", "path": "/.well-known/jwks.json", "ended_sessions": "/sessions/ended"},
              "limits": {"client": {"user": {"requests": 1000}, "address": {"requests": 1000}}},
              "routes": [
                \(routes.joined(separator: ",\n    "))
              ]
            }

            """
    }
}
