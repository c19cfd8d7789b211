package import DatabaseSupport
package import Ledger
package import Metering
import MeteringWorker

extension TestDatabase {
    /// A new API key. A worker that runs learns it within a second.
    package func makeKey(
        _ scopes: Set<StoredKey.Scope>, clinics: [ClinicID] = []
    ) async throws -> String {
        var random = SystemRandomNumberGenerator()
        let key = APIKey.make(random: &random).text
        _ = try await ledger.keys.create(
            hash: APIKey.hash(of: key), name: "test", scopes: scopes, clinics: clinics)
        return key
    }
}
