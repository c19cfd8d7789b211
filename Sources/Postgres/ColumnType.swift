/// The built-in types we decode, by the object id that every PostgreSQL gives them.
enum ColumnType: UInt32 {
    /// The fields of COPY carry no type; their text alone decides.
    case untyped = 0
    case bool = 16
    case bytea = 17
    case name = 19
    case int8 = 20
    case int2 = 21
    case int4 = 23
    case text = 25
    case oid = 26
    case json = 114
    case float4 = 700
    case float8 = 701
    case unknown = 705
    case boolArray = 1000
    case byteaArray = 1001
    case nameArray = 1003
    case int2Array = 1005
    case int4Array = 1007
    case textArray = 1009
    case varcharArray = 1015
    case int8Array = 1016
    case bpchar = 1042
    case varchar = 1043
    case date = 1082
    case timestamp = 1114
    case timestampArray = 1115
    case dateArray = 1182
    case timestamptz = 1184
    case timestamptzArray = 1185
    case interval = 1186
    case numeric = 1700
    case uuid = 2950
    case uuidArray = 2951
    case jsonb = 3802

    /// `int8`, or `type 16389` for one we do not know.
    static func name(of oid: UInt32) -> String {
        ColumnType(rawValue: oid).map { "\($0)" } ?? "type \(oid)"
    }
}
