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

    /// A function or view of the program with its checksum.
    struct KnownFunction: Hashable {
        let file: FunctionFile
        let checksum: [UInt8]
    }

    /// Which way a database goes: decided from what is there before the first file that makes or
    /// owns a table, afterwards by the name that this file was recorded with.
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

    /// The files still to apply, in the order in which they run: those that need the functions
    /// last.
    ///
    /// Applied 1, 2 of known 1, 2, 3 → 3. Every difference in what is applied already is refused:
    /// a database and a program that disagree about the past cannot agree about the next step.
    static func pending(
        _ known: [Known], applied: [Applied]
    ) throws(MigrationError) -> [MigrationFile] {
        let newest = known.last?.file.version ?? 0
        for item in applied where item.version <= newest {
            let same = known.contains {
                ($0.file.version, $0.file.name, $0.checksum)
                    == (item.version, item.name, item.checksum)
            }
            guard same else { throw .otherSchema(item.name) }
        }
        if let version = applied.map(\.version).max(), version > newest {
            throw .newerDatabase(version)
        }
        let done = Set(applied.map(\.version))
        let files = known.map(\.file)
        return try unapplied(files.filter { !$0.needsFunctions }, done)
            + unapplied(files.filter(\.needsFunctions), done)
    }

    private static func unapplied(
        _ files: [MigrationFile], _ done: Set<Int64>
    ) throws(MigrationError) -> [MigrationFile] {
        let pending = files.drop { done.contains($0.version) }
        if let skipped = pending.first, pending.contains(where: { done.contains($0.version) }) {
            throw .skippedFile(skipped.name)
        }
        return Array(pending)
    }

    /// The functions and views whose text is not the one that was applied last, in order. `applied`
    /// lacks those that were dropped or replaced since.
    static func changed(
        _ known: [KnownFunction], applied: [String: [UInt8]]
    ) -> [KnownFunction] {
        known.filter { applied[$0.file.name] != $0.checksum }
    }
}
