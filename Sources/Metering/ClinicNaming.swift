/// How a clinic that stands for a host of an access log is named.
public enum ClinicNaming {
    /// The subdomain of a host, at most 63 characters.
    ///
    /// The host in lower case, every character that is not a–z or 0–9 as `-`, cut to 54, then `-`
    /// and the first 8 digits of the id: `API.example.com` with id `2ed6657d-…` is
    /// `api-example-com-2ed6657d`. The id keeps hosts apart that differ only in case or marks. A
    /// host that begins with a mark (`::1`) gives a leading `-`, which no host name of the DNS
    /// may have; it is kept, so that the text before the digits always mirrors the host.
    public static func subdomain(forHost host: String, id: ClinicID) -> String {
        let mirrored = host.unicodeScalars.prefix(54).map { scalar -> Character in
            switch scalar {
            case "a"..."z", "0"..."9": Character(scalar)
            case "A"..."Z": Character(UnicodeScalar(UInt8(scalar.value) | 0x20))
            default: "-"
            }
        }
        return String(mirrored) + "-" + id.description.prefix(8)
    }
}
