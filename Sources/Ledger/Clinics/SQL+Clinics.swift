extension SQL {
    static let clinicAdd = file("clinic_add", PackageResources.clinic_add_sql)
    static let clinicById = file("clinic_by_id", PackageResources.clinic_by_id_sql)
    static let clinicBySubdomain = file(
        "clinic_by_subdomain", PackageResources.clinic_by_subdomain_sql)
    static let clinicsBySubdomain = file(
        "clinics_by_subdomain", PackageResources.clinics_by_subdomain_sql)
    static let clinicsList = file("clinics_list", PackageResources.clinics_list_sql)
    static let clinicsKnown = file("clinics_known", PackageResources.clinics_known_sql)
    static let configChanges = file("config_changes", PackageResources.config_changes_sql)
    static let configHorizon = file("config_horizon", PackageResources.config_horizon_sql)
    static let configVersionRaise = file(
        "config_version_raise", PackageResources.config_version_raise_sql)
    static let termsOfClinics = file(
        "terms_of_clinics", PackageResources.terms_of_clinics_sql)
}
