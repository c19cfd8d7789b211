/// One field of a row, as the server sent it.
public struct PostgresField: Sendable {
    let reader: FieldReader
}
