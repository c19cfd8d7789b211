import Shell

/// docs/configuration.md, made from the table of settings.
enum SettingsReference {
    static let text = """
        # Configuration

        A setting comes from the environment, else from the JSON file that `--config` names, else it
        has the default below. An empty variable counts as not set.

        ```json
        {"http": {"port": 9000}, "metering": {"checkpoint_interval": "500ms"}}
        ```

        Each of these stops the start with one line that says what to write instead, and exit code
        1: a value that is not allowed, an unknown variable that begins with `METERING_`, and in the
        file an unknown key, an empty object inside the outer one, or a key with a dot. Variables
        that begin with `METERING_TEST_` belong to the tests and are ignored.

        Durations are a whole number and a unit: `250ms`, `1s`, `5m`, `2h`, `1d`. A bare number is
        an error.

        ## Settings of metering-worker

        \(SettingsTable.table(of: WorkerKeys.all))
        `serve` needs `DATABASE_URL` and `REDIS_URL`; `migrate` takes `DATABASE_OWNER_URL`, else
        `DATABASE_URL`; `keys` needs `DATABASE_URL`; so does `rollup`, which also reads the counts
        in Redis when `REDIS_URL` is set.

        `DATABASE_LISTEN_URL` is for `serve`. The worker tests each connection: it sends a message
        through `DATABASE_URL`, which has to come back. When it does not, because a pooler is in
        between or the database is another one, the worker logs that and polls for changes every
        second, as without it.

        ## Settings of billing

        `billing` reads `DATABASE_URL` or `DATABASE_URL_FILE` from the environment, and takes no
        file. Its login needs the role `billing_admin`, or `billing_viewer` for what only reads.
        `BILLING_ACTOR` is the name of the person for the audit log, as with `--as`.

        ## Secrets

        The four URLs may hold passwords, so nothing prints them. Each can be read from a file of
        its own instead: `DATABASE_URL_FILE`, `DATABASE_OWNER_URL_FILE`, `DATABASE_LISTEN_URL_FILE`,
        `REDIS_URL_FILE`, in the file of `--config` `url_file`, `owner_url_file` and
        `listen_url_file`. The file holds the URL, at most 64 KiB; one newline at its end is
        removed. A setting given both ways in one place is an error. A file that every user of the
        machine can read causes a warning.

        A `DATABASE_URL` without a password takes it from `~/.pgpass`, or the file that `PGPASSFILE`
        names.

        """
}
