/// One role and one database per service, and no way from one to another.
enum DatabaseSetup {
    /// SQL that makes what is missing and sets every role's password; safe to run again.
    ///
    /// Passwords are random letters and digits, so they need no quoting.
    static func script(passwords: [(service: ServiceName, password: String)]) -> String {
        // A failing statement would otherwise be logged, password included.
        var sql = "SET log_min_error_statement = panic;\nSET client_min_messages = warning;\n"
        sql += "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;\n"
        for (service, password) in passwords {
            let name = service.rawValue
            sql += """
                SELECT 'CREATE ROLE "\(name)"'
                 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\(name)') \\gexec
                ALTER ROLE "\(name)" WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION
                  NOBYPASSRLS PASSWORD '\(password)';
                SELECT 'CREATE DATABASE "\(name)" OWNER "\(name)" TEMPLATE template0'
                 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '\(name)') \\gexec
                REVOKE ALL ON DATABASE "\(name)" FROM PUBLIC;

                """
        }
        return sql
    }

    /// The role that `stack verify` reads with where there is no superuser to be had.
    static let reader = "oracle"

    /// SQL that makes the reader of one database: it may see all of it and change nothing.
    static func script(readerOf service: ServiceName, password: String) -> String {
        """
        SELECT 'CREATE ROLE "\(reader)"'
         WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\(reader)') \\gexec
        ALTER ROLE "\(reader)" WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION
          NOBYPASSRLS PASSWORD '\(password)';
        ALTER ROLE "\(reader)" SET default_transaction_read_only = on;
        GRANT pg_read_all_data TO "\(reader)";
        GRANT CONNECT ON DATABASE "\(service.rawValue)" TO "\(reader)";

        """
    }

    /// The address a service finds in its DATABASE_URL_FILE; the server is a host and a port.
    ///
    /// - Parameter role: who connects; the service's own role unless given.
    static func url(
        _ service: ServiceName,
        role: String? = nil,
        password: String,
        server: String
    ) -> String {
        "postgres://\(role ?? service.rawValue):\(password)@\(server)/\(service.rawValue)"
    }
}
