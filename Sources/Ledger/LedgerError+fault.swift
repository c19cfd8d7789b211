import Postgres
public import Values

/// What the caller asked may be at fault. Commands end with another code for each.
extension LedgerError: RequestError {
    public var fault: RequestFault? {
        switch self {
        case .outOfRange: .malformed
        case .unknownClinic, .unknownPlan, .ambiguousPlan, .noSubscription, .refused, .tooManyKeys:
            .refused
        // Metering's own functions refuse with these states.
        case .store(.server(let refusal)) where refusal.sqlState.code.hasPrefix("BQ"): .refused
        case .store, .unsafeRole, .missingGrant, .schema, .otherSchema, .unfinishedSchema,
            .corrupt:
            nil
        }
    }
}

extension MigrationError: RequestError {
    public var fault: RequestFault? {
        if case .cannotAttach = self { .refused } else { nil }
    }
}
