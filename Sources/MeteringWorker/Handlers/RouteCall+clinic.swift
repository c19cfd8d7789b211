import HTTPServer
import Metering

extension RouteCall {
    /// The clinic that a path with the one parameter `{id}` names.
    func clinic() throws(Problem) -> ClinicID {
        guard let text = parameters.first, let clinic = ClinicID(String(text)) else {
            throw .badRequest("the clinic id in the path is not a UUID of 36 characters")
        }
        return clinic
    }
}
