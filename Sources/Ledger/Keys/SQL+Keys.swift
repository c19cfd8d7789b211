extension SQL {
    static let apiKeyExpire = file("api_key_expire", PackageResources.api_key_expire_sql)
    static let apiKeyFind = file("api_key_find", PackageResources.api_key_find_sql)
    static let apiKeyInsert = file("api_key_insert", PackageResources.api_key_insert_sql)
    static let apiKeyList = file("api_key_list", PackageResources.api_key_list_sql)
    static let apiKeyNamed = file("api_key_named", PackageResources.api_key_named_sql)
    static let apiKeyNamedLock = file("api_key_named_lock", PackageResources.api_key_named_lock_sql)
    static let apiKeyRevoke = file("api_key_revoke", PackageResources.api_key_revoke_sql)
    static let apiKeyTouch = file("api_key_touch", PackageResources.api_key_touch_sql)
    static let apiKeyUsable = file("api_key_usable", PackageResources.api_key_usable_sql)
}
