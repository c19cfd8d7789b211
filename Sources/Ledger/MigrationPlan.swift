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

    /// The files still to apply, in the order in which they run.
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
        let pending = known.map(\.file).drop { done.contains($0.version) }
        if let skipped = pending.first, pending.contains(where: { done.contains($0.version) }) {
            throw .skippedFile(skipped.name)
        }
        return Array(pending)
    }

    /// A function or view as it was applied last.
    struct AppliedFunction: Hashable {
        /// Of its file.
        let checksum: [UInt8]
        /// Of what the catalog held of it afterwards.
        let form: [UInt8]
    }

    /// The functions and views to apply, in order: those with another text than the one that was
    /// applied last, and those that the catalog holds in another form since, or no more.
    static func changed(
        _ known: [KnownFunction], applied: [String: AppliedFunction], forms: [String: [UInt8]]
    ) -> [KnownFunction] {
        known.filter { function in
            guard let applied = applied[function.file.name] else { return true }
            return applied.checksum != function.checksum
                || applied.form != forms[function.file.name]
        }
    }
}
