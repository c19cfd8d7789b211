/// What a database has against what this program brings. Pure: the comparison needs no database.
struct MigrationPlan {
    /// A file as the database remembers it.
    struct Applied: Hashable {
        let version: Int64
        let name: String
        let checksum: [UInt8]
    }

    /// A file of the program with its checksum.
    struct Known: Hashable {
        let file: MigrationFile
        let checksum: [UInt8]
    }

    /// Which way a database goes: decided from what is there before the first file that makes or owns
    /// a table, afterwards told by the name that this file was recorded with.
    static func way(applied: [Applied], hasTables: Bool) -> MigrationWay {
        guard let decided = applied.first(where: { $0.version == decidingVersion }) else {
            return hasTables ? .attached : .new
        }
        let isAttached = MigrationFile.attaching.contains {
            $0.version == decidingVersion && $0.name == decided.name
        }
        return isAttached ? .attached : .new
    }

    private static let decidingVersion: Int64 = 2

    /// The files still to apply, in order.
    ///
    /// Applied 1, 2 of known 1, 2, 3 → 3. Every difference in what is applied already is refused:
    /// a database and a program that disagree about the past cannot agree about the next step.
    static func pending(
        _ known: [Known], applied: [Applied]
    ) throws(MigrationError) -> [MigrationFile] {
        let newest = known.last?.file.version ?? 0
        if let version = applied.map(\.version).max(), version > newest {
            throw .newerDatabase(version)
        }
        let checksums = Dictionary(
            applied.map { ($0.version, $0.checksum) }, uniquingKeysWith: { first, _ in first })
        var pending: [MigrationFile] = []
        for item in known {
            guard let checksum = checksums[item.file.version] else {
                pending.append(item.file)
                continue
            }
            if let skipped = pending.first { throw .skippedFile(skipped.name) }
            guard checksum == item.checksum else { throw .changedFile(item.file.name) }
        }
        return pending
    }
}
