import Ledger

/// The steps of `migrate`, a line each, as it did them or would do them.
struct StepList {
    let steps: [MigrationStep]
    /// The words for a file or function, and for a statement.
    let verbs: (apply: String, run: String)

    static func planned(_ steps: [MigrationStep]) -> StepList {
        StepList(steps: steps, verbs: ("would apply", "would run"))
    }

    static func done(_ steps: [MigrationStep]) -> StepList {
        StepList(steps: steps, verbs: ("applied", "ran"))
    }

    /// Statements change tables that are in use. In a new database there are none.
    private var isNew: Bool { steps.files == MigrationFile.all }

    var text: String {
        steps.map { step in
            switch step {
            case .file(let file): "\(verbs.apply) \(file.name)\n"
            case .statement(let text): isNew ? "" : "\(verbs.run) \(text)\n"
            case .functions(let names): "\(verbs.apply) \(names.count) functions\n"
            }
        }.joined()
    }
}
