"""Every folder, file and lock below SEND_HOME, once."""

INBOX = "inbox"
LANDING = "landing"
TYPED = "typed"
RUNS = "runs"
PUBLISHED = "published"
SERVING = "serving"  # a link to the published version that is served
OUT = "out"
LATEST = "out/latest"  # a link to the newest pack
ALERTS = "out/alerts.jsonl"
BOARD = "out/board"
CHRONOLOGIES = "out/chronologies"
INSPECTIONS = "out/inspections"
REHEARSALS = "out/rehearsals"
CONFIGURATION = "configuration"  # the council's files that were in force in the last good run
CONFIG = "config"  # the council's files, as a restored backup has them
RECORDS = "records"
PURGES = "records/purges.jsonl"
BACKUPS = "records/backups.jsonl"
CATALOGUE = "catalogue"
AIRFLOW = "airflow"
RESTORING = ".restoring"  # a backup on its way in
ANSWER_KEY = "answer_key.csv"  # of the invented council
SAMPLE_PARTIAL = ".sample.partial"
LOCKS = "locks"


class Lock:
    """Files that a process locks for as long as it writes; each stays, and stays empty."""

    NIGHT = "locks/night"
    RUNS = "locks/runs"
    CONFIGURATION = "locks/configuration"
    PUBLISH = "locks/publish"
    SERVE = "locks/serve"
    BOARD = "locks/board"
    OPERATIONS = "locks/operations"  # backup, restore and purge
    CALL, RELEASE = ".lock", ".release.lock"  # in the folder of all calls, or of all rehearsals

    @staticmethod
    def feed(name: str) -> str:
        """The lock of one feed (`source__feed`): the night and a call of the inspectors may meet."""
        return f"{LOCKS}/{name}"
