/// All routes, and the route of a request. The query plays no part.
public struct RouteTable: Sendable {
    /// A place in the table for one request.
    enum Place: Sendable {
        case found(Route, parameters: [Substring])
        case wrongMethod(allowed: [String])
        case nothing
    }

    /// In the given order.
    public let rows: [Route]
    /// Rows without parameters, by path: one look-up for the most frequent requests.
    private let literal: [String: [Route]]
    private let templates: [(path: PathTemplate, rows: [Route])]

    /// No path is longer, except those that end with a path of the application.
    static let pathBytesMax = 256

    init(_ rows: [Route]) {
        self.rows = rows
        literal = Dictionary(grouping: rows.filter(\.path.isLiteral), by: \.path.description)
        let others = Dictionary(grouping: rows.filter { !$0.path.isLiteral }, by: \.path)
        templates = others.map { ($0.key, $0.value) }
            .sorted { $0.path.description < $1.path.description }
    }

    func place(method: String, path: String) -> Place {
        let isLong = path.utf8.count > Self.pathBytesMax
        if !isLong, let rows = literal[path] {
            return Self.place(method, among: rows, parameters: [])
        }
        let parts = PathTemplate.parts(of: path)
        for (template, rows) in templates where template.isOpenEnded || !isLong {
            guard let parameters = template.parameters(in: parts) else { continue }
            return Self.place(method, among: rows, parameters: parameters)
        }
        return .nothing
    }

    private static func place(
        _ method: String, among rows: [Route], parameters: [Substring]
    ) -> Place {
        let row = rows.first { $0.method == method || $0.method == Route.anyMethod }
        guard let row else {
            return .wrongMethod(allowed: rows.map(\.method))
        }
        return .found(row, parameters: parameters)
    }
}
