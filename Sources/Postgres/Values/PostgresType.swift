/// A PostgreSQL type, by the object id that the server's catalog gives it.
public struct PostgresType: Hashable, Sendable {
    /// The id in `pg_type`; built-in types have the same id on every server.
    public let id: UInt32

    /// Names a type by its id in `pg_type`.
    public init(id: UInt32) {
        self.id = id
    }

    /// `boolean`.
    public static let bool = PostgresType(id: 16)
    /// `bytea`.
    public static let bytea = PostgresType(id: 17)
    /// `bigint`.
    public static let int8 = PostgresType(id: 20)
    /// `smallint`.
    public static let int2 = PostgresType(id: 21)
    /// `integer`.
    public static let int4 = PostgresType(id: 23)
    /// `text`.
    public static let text = PostgresType(id: 25)
    /// `json`.
    public static let json = PostgresType(id: 114)
    /// `xid8`, a 64-bit transaction id.
    public static let xid8 = PostgresType(id: 5069)
    /// `real`.
    public static let float4 = PostgresType(id: 700)
    /// `double precision`.
    public static let float8 = PostgresType(id: 701)
    /// `timestamp without time zone`.
    public static let timestamp = PostgresType(id: 1114)
    /// `timestamp with time zone`.
    public static let timestamptz = PostgresType(id: 1184)
    /// `numeric`.
    public static let numeric = PostgresType(id: 1700)
    /// `void`, what a function without a result returns.
    public static let void = PostgresType(id: 2278)
    /// `uuid`.
    public static let uuid = PostgresType(id: 2950)
    /// `jsonb`.
    public static let jsonb = PostgresType(id: 3802)
    /// `boolean[]`.
    public static let boolArray = PostgresType(id: 1000)
    /// `bytea[]`.
    public static let byteaArray = PostgresType(id: 1001)
    /// `integer[]`.
    public static let int4Array = PostgresType(id: 1007)
    /// `text[]`.
    public static let textArray = PostgresType(id: 1009)
    /// `bigint[]`.
    public static let int8Array = PostgresType(id: 1016)
    /// `double precision[]`.
    public static let float8Array = PostgresType(id: 1022)
    /// `timestamp with time zone[]`.
    public static let timestamptzArray = PostgresType(id: 1185)
    /// `uuid[]`.
    public static let uuidArray = PostgresType(id: 2951)
    /// `jsonb[]`.
    public static let jsonbArray = PostgresType(id: 3807)

    /// Types whose binary form is not text, so that they never decode as `String` by accident.
    static let notText: Set<PostgresType> = [
        .bool, .bytea, .int8, .int2, .int4, .xid8, .float4, .float8, .timestamp, .timestamptz,
        .numeric, .uuid, .jsonb, .boolArray, .byteaArray, .int4Array, .textArray, .int8Array,
        .float8Array,
        .timestamptzArray, .uuidArray, .jsonbArray,
    ]
}
