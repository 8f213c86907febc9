import Testing

@testable import Stack

@Suite struct `Making PostgreSQL` {
    @Test func `the pid file says ready only for our own server`() {
        let file = "42\n/data\n1700000000\n11000\n\n127.0.0.1\n  123 456\nready   \n"
        #expect(Cluster.status(file: file, pid: 42) == "ready")
        #expect(Cluster.status(file: file, pid: 43) == nil)
        #expect(Cluster.status(file: "42\n/data\n", pid: 42) == nil)
        #expect(Cluster.status(file: nil, pid: 42) == nil)
        #expect(Cluster.pid(file: file) == 42)
    }

    @Test func `commits are durable and nothing listens beyond loopback`() {
        let settings = Cluster.settings(port: 11_000, access: "/x")
        for setting in [
            "fsync=on", "synchronous_commit=on", "listen_addresses=127.0.0.1", "port=11000",
            "unix_socket_directories=",
        ] { #expect(settings.contains(setting)) }
    }

    @Test func `the place outside the data folder is the same each time and another per folder`() {
        let first = Cluster.fallbackHome(Layout("/root/a"))
        #expect(first == Cluster.fallbackHome(Layout("/root/a/")))
        #expect(first != Cluster.fallbackHome(Layout("/root/b")))
        #expect(first.hasPrefix("/var/tmp/anyway-"))
    }

    @Test func `every role gets its database and the public none`() {
        let script = DatabaseSetup.script(passwords: [(.order, "s3cret"), (.user, "other")])
        #expect(script.contains("CREATE DATABASE \"order\" OWNER \"order\""))
        #expect(script.contains("REVOKE ALL ON DATABASE \"order\" FROM PUBLIC"))
        #expect(script.contains("REVOKE ALL ON DATABASE \"user\" FROM PUBLIC"))
        #expect(!script.contains("GRANT"))
        #expect(script.hasPrefix("SET log_min_error_statement = panic"))
    }

    @Test func `databases elsewhere are reached by their addresses, passwords decoded`() throws {
        var text = "ANYWAY_URL=http://localhost:8080\n"
        for service in ServiceName.allCases where service.hasDatabase {
            text += "\(service.variable)=postgres://oracle:a%2Fb@[::1]:54321/\(service.rawValue)\n"
        }
        let addresses = try DatabaseAddresses(text, named: "x")
        #expect(try addresses.variables("order")["PGPASSWORD"] == "a/b")
        #expect(try addresses.variables("order")["PGPORT"] == "54321")
        #expect(try addresses.variables("user")["PGDATABASE"] == "user")
        #expect(try DatabaseAddresses(addresses.text, named: "y") == addresses)
    }

    @Test(arguments: ["", "http://a:b@h/order", "postgres://h/order", "postgres://u:p@h/", "u"])
    func `an address that is none is refused by its variable, not by its value`(url: String) {
        var text = ""
        for service in ServiceName.allCases where service.hasDatabase {
            text += "\(service.variable)=postgres://u:p@h/x\n"
        }
        text = text.replacing(
            "ORDER_DATABASE_URL=postgres://u:p@h/x",
            with: "ORDER_DATABASE_URL=\(url)"
        )
        let error = #expect(throws: StackError.self) { try DatabaseAddresses(text, named: "x") }
        #expect(error?.exitCode == 64 && error?.line.contains("ORDER_DATABASE_URL") == true)
    }

    @Test func `a missing PostgreSQL is named with what installs it`() {
        let error = #expect(throws: StackError.self) {
            try PostgresPrograms.find(major: nil, debian: "/nowhere", path: "/nowhere")
        }
        #expect(error?.line.contains("apt-get install postgresql") == true)
        let older = #expect(throws: StackError.self) {
            try PostgresPrograms.find(major: "9", debian: "/nowhere", path: "/nowhere")
        }
        #expect(older?.line.contains("postgresql-9") == true)
    }
}
