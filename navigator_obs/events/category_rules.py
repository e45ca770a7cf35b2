"""The rules by which exceptions get their category: data, and nothing that decides.

`CAUSES` name what went wrong: the first that speaks, from the root cause outwards, decides. `MISTAKES` know just the
kind of a mistake, and are asked when no cause was found along the whole chain; `COLLATERAL`, when no mistake was.
Within a table the order counts: what is more special stands first.
"""

from __future__ import annotations

from typing import Final

from .rule import rule, signals

_SQLITE: Final = "sqlite3.DatabaseError sqlite3.OperationalError sqlite3.ProgrammingError"
_PROGRAM: Final = "CalledProcessError SystemExit"
_WORDS: Final = "ValueError RuntimeError LookupError SystemExit"
_NETWORKS: Final = "socket ssl http urllib urllib3 requests httpx httpcore aiohttp smtplib ftplib poplib imaplib xmlrpc"

_RESOURCES: Final = (
    rule("resource/disk", types="duckdb.Error", message=r"max_temp_directory_size|failed to offload data block"),
    rule("resource/memory", types="MemoryError duckdb.OutOfMemoryException"),
    rule("resource/memory", errnos="ENOMEM"),
    rule("resource/memory", message=r"out of memory|cannot allocate memory|std::bad_alloc|memory allocation of"),
    rule("resource/memory", message=r"unable to allocate [\d.]+ .i?b"),
    rule("resource/disk", errnos="ENOSPC EDQUOT EFBIG"),
    rule(
        "resource/disk",
        message=r"no space left on device|disk quota exceeded|disk (?:is )?full|file too large|disk i/o error",
    ),
    rule("resource/descriptors", errnos="EMFILE ENFILE"),
    rule("resource/descriptors", message=r"too many open files|can't start new thread|can't start new process"),
    rule("resource", errnos="EAGAIN"),
)

_PROGRAMS: Final = (
    rule("interrupted/user", types="KeyboardInterrupt duckdb.InterruptException QueryCanceled click.exceptions.Abort"),
    rule("interrupted/user", types="RuntimeError sqlite3.OperationalError", message=r"^(?:query )?interrupted!?$"),
    # A terminal that was closed, as a rule: schedulers send SIGTERM.
    rule("interrupted/user", types=_PROGRAM, exits=signals("SIGINT SIGHUP SIGQUIT")),
    rule("interrupted/scheduler", types=_PROGRAM, exits=signals("SIGTERM SIGUSR1 SIGUSR2")),
    rule("interrupted/killed", types=_PROGRAM, exits=signals("SIGKILL")),
    rule("interrupted/crash", types=_PROGRAM, exits=signals("SIGSEGV SIGABRT SIGBUS SIGFPE SIGILL SIGTRAP SIGSYS")),
    rule("resource/disk", types=_PROGRAM, exits=signals("SIGXFSZ")),
    rule("resource/time", types=_PROGRAM, exits=signals("SIGXCPU")),
    rule("resource/time", types="subprocess.TimeoutExpired multiprocessing.context.TimeoutError"),
    rule("environment/dependency", types="CalledProcessError", exits=(127,)),
    rule("environment/permission", types="CalledProcessError", exits=(126,)),
    rule("config", types=_PROGRAM, message=r"usage: |unrecognized arguments|no such option|arguments are required"),
    rule("worker", types="BrokenProcessPool BrokenThreadPool BrokenExecutor multiprocessing.ProcessError"),
    rule("worker", types="KilledWorker WorkerLostError WorkerCrashedError RayActorError ActorDiedError"),
    rule("worker", types="TerminatedWorkerError TaskAborted CommClosedError BrokenBarrierError"),
    rule("worker", types="queue.Empty queue.Full _queue.Empty ChildProcessError ProcessLookupError RemoteError"),
    rule("worker", types="EOFError ConnectionError", origins="multiprocessing concurrent"),
)

# What dbt prints, whatever exception the program that called it makes of that.
_DBT: Final = (
    rule("data/quality", types="Exception", message=r"failure in test|configured to fail if"),
    rule("data/schema", types="Exception", message=r"enforced contract that failed"),
    rule("environment/dependency", types="Exception", message=r"only \d+ package\(s\) installed in"),
    rule("config", types="Exception", message=r"could not find profile named|required var '.*' not found in config"),
    rule("config", types="Exception", message=r"mapping values are not allowed|runtime error\s+syntax error near line"),
    rule("code", types="Exception", message=r"compilation error(?: in (?:model|test|macro) .*)?\s+\S"),
    rule("database/sql", types="Exception", message=r"database error in (?:model|test|seed|snapshot)"),
)

_DATABASES: Final = (
    rule("database/lock", types="duckdb.Error", message=r"could not set lock|conflicting lock is held"),
    rule("database/lock", types="duckdb.TransactionException", message=r"conflict"),
    rule("code", types="duckdb.TransactionException", message=r"within a transaction|no transaction is active|aborted"),
    rule("config", types="duckdb.Error", message=r"unrecognized configuration|memory_limit|memory must have"),
    rule("database/lock", types="sqlite3.OperationalError", message=r"(?:database|table)(?: .*)? is locked"),
    rule("database/lock", types="LockNotAvailable DeadlockDetected SerializationFailure"),
    rule("database/lock", types="Error", message=r"deadlock detected|lock wait timeout|could not obtain lock"),
    rule("database/corruption", types="duckdb.SerializationException duckdb.FatalException"),
    rule(
        "database/corruption",
        types=f"duckdb.Error {_SQLITE}",
        message=r"not a valid duckdb database|image is malformed|malformed database|not a database|corrupt|checksum"
        r"|could not read enough bytes|failed to load metadata",
    ),
    rule(
        "environment/dependency", types="duckdb.IOException", message=r"version number|newer version|different version"
    ),
    rule("external/network", types="duckdb.Error", message=r"failed to download|could not establish connection"),
    rule("environment/dependency", types="duckdb.Error", message=r"extension .*(?:not found|install|load)"),
    rule("environment/dependency", types="duckdb.Error", message=r"install .*extension"),
    rule("environment/permission", types="duckdb.PermissionException"),
    rule("environment/permission", types=f"duckdb.Error {_SQLITE}", message=r"read-?only|permission denied"),
    rule("external/service", types="duckdb.HTTPException"),
    rule("environment/missing_file", types="duckdb.IOException", message=r"no files found|no such file|does not exist"),
    rule("environment/missing_file", types="sqlite3.OperationalError", message=r"unable to open database file"),
    rule("code", types="sqlite3.ProgrammingError sqlite3.InterfaceError", message=r"binding|created in a thread"),
    rule("database/connection", types="duckdb.ConnectionException InterfaceError"),
    rule("database/connection", types="Error", message=r"connection (?:\w+ )*closed|closed database"),
    rule("database/connection", types="Error", message=r"connection (?:refused|reset|to server)|could not connect"),
    rule("data/integrity", types="duckdb.ConstraintException IntegrityError UniqueViolation ForeignKeyViolation"),
    rule("data/schema", types="duckdb.Error", message=r"schema mismatch"),
    # The whole header as one name: the file's delimiter was not found.
    rule("data/format", types="duckdb.BinderException", message=r'candidate bindings:\s*"[^"]*,[^"]*"'),
    rule("data/schema", types="duckdb.BinderException", message=r"read_(?:csv|parquet|json)|\.(?:csv|parquet|json)\b"),
    rule("numeric/nonfinite", types="duckdb.Error", message=r"value -?(?:nan|inf(?:inity)?)\b"),
    rule("data/format", types="duckdb.ConversionException", message=r"field value out of range|date/time"),
    rule("numeric/overflow", types="duckdb.Error", message=r"out of range|could not cast value .* to decimal|overflow"),
    rule("data/format", types="duckdb.ConversionException DataError"),
    rule(
        "data/format",
        types="duckdb.InvalidInputException duckdb.IOException",
        message=r"csv|json|parquet|sniff|malformed|parse",
    ),
    rule("data/schema", types="duckdb.TypeMismatchException"),
    rule("numeric/overflow", types="duckdb.OutOfRangeException"),
    rule("database/sql", types="duckdb.ProgrammingError ProgrammingError duckdb.NotSupportedError"),
    rule("database/sql", types="sqlite3.OperationalError SQLSyntaxError SQLInterfaceError"),
    rule("database", types="duckdb.Error sqlite3.Error SQLAlchemyError psycopg.Error psycopg2.Error"),
    rule("database/sql", types="DbtDatabaseError"),
    rule("code", types="CompilationError ParsingError TargetNotFoundError"),
)

_SERVICES: Final = (
    rule(
        "external/network", types="gaierror herror SSLError ConnectTimeout ReadTimeout ConnectError RemoteDisconnected"
    ),
    rule("external/network", types="http.client.IncompleteRead ChunkedEncodingError ContentTooShortError"),
    rule("environment/permission", types="HTTPError", exits=(401, 403, 407)),
    rule("config", types="ValueError URLError", message=r"unknown url type|invalid url|no (?:scheme|host) supplied"),
    rule("external/service", types="HTTPError HTTPException HTTPStatusError SMTPException ftplib.Error"),
    rule("external/service", types="ClientResponseError RpcError ClientError ServerError xmlrpc.client.Error"),
    rule("external/network", types="ConnectionRefusedError ConnectionResetError ConnectionAbortedError"),
    rule("external/network", types="IncompleteReadError"),
    rule("external/network", errnos="ECONNREFUSED ECONNRESET ECONNABORTED EHOSTUNREACH ENETUNREACH ETIMEDOUT ENETDOWN"),
    rule("external/network", types="TimeoutError", origins=_NETWORKS),
    rule("external/network", types="URLError RequestException RequestError TransportError ClientConnectionError"),
    rule("external/network", types="TimeoutError", message=r"^timed out$|handshake"),
    rule("external/network", types="BrokenPipeError", origins=_NETWORKS),
    rule("worker", types="BrokenPipeError"),
)

_ENVIRONMENT: Final = (
    rule("environment/dependency", types="FileNotFoundError", origins="subprocess"),
    rule(
        "code", types="ImportError", message=r"partially initialized module|circular import|attempted relative import"
    ),
    rule(
        "environment/dependency",
        types="AttributeError",
        message=r"(?:was|been) removed|^module '[\w.]+' has no",
    ),
    rule(
        "environment/dependency",
        types="ValueError RuntimeError",
        message=r"binary incompatib|compiled using|requires (?:python|numpy|version)|unsupported pickle protocol",
    ),
    rule("environment/dependency", errnos="ENOEXEC"),
    rule("environment/dependency", types="ImportError PackageNotFoundError DistributionNotFound VersionConflict"),
    rule("environment/dependency", types="OSError", message=r"cannot open shared object|undefined symbol"),
    rule("environment/dependency", types="locale.Error"),
    rule("environment/permission", types="PermissionError"),
    rule("environment/permission", errnos="EACCES EPERM EROFS"),
    rule("environment/missing_file", types="FileNotFoundError"),
    rule("environment", types="UnicodeEncodeError", message=r"'(?:ascii|latin|charmap|cp\d+|iso)"),
    rule("config", errnos="EISDIR"),
    rule("environment/missing_file", errnos="ENOTDIR"),
    rule("code", errnos="EBADF EINVAL"),
    rule("environment", errnos="EEXIST EADDRINUSE ENAMETOOLONG ELOOP ENOTEMPTY EXDEV EBUSY ETXTBSY ENODEV EIO ESTALE"),
)

_SETTINGS: Final = (
    rule("config", types="navigator_obs.errors.ConfigError configparser.Error TOMLDecodeError YAMLError"),
    rule("config", types="argparse.ArgumentError argparse.ArgumentTypeError click.exceptions.UsageError SettingsError"),
    rule("config", types="ImproperlyConfigured DbtProjectError DbtProfileError DbtConfigError DbtUsageException"),
    rule("config", types="KeyError", origins="os"),
    rule(
        "config",
        types="ValidationError",
        message=r"^\d+ validation errors? for \w*(?:config|settings|param|option|plan)",
    ),
    rule(
        "config",
        types="TypeError",
        message=r"(?:config|settings|parameters|options)\w*(?:\.__init__)?\(\) (?:got an unexpected|missing)",
    ),
)

_DATA: Final = (
    rule("data/quality", types="navigator_obs.runs.checks.CheckFailed CheckFailed ExpectationFailed DataContractError"),
    rule("data/missing", types="EmptyDataError NoDataError StatisticsError"),
    rule("data/missing", types="RuntimeWarning", message=r"empty slice|degrees of freedom|all-nan"),
    rule("data/missing", types="EOFError", message=r"ran out of input"),
    rule(
        "data/missing",
        types="ValueError IndexError",
        message=r"empty sequence|argument is empty|no objects to concatenate|zero-size array|at least one array",
    ),
    rule("data/format", types="InvalidOperationError", message=r"conversion from .* failed"),
    rule("data/integrity", types="MergeError DuplicateError DuplicateLabelError"),
    rule("data/integrity", types="ValueError", message=r"duplicate|not (?:a )?unique"),
    rule("data/schema", types="ColumnNotFoundError SchemaError SchemaErrors SchemaFieldNotFoundError ShapeError"),
    rule("data/schema", types="ArrowKeyError ArrowTypeError StructFieldNotFoundError InvalidOperationError"),
    rule("data/schema", types="KeyError", origins="pandas polars pyarrow"),
    rule("data/schema", types="ValueError", message=r"usecols do not match|columns? (?:expected|mismatch|not found)"),
    rule("data/schema", types="ValueError", message=r"missing columns?|length mismatch|trying to merge on"),
    rule("data/schema", types="DtypeWarning"),
    rule("data/schema", types="ValidationError"),
    rule("data/format", types="JSONDecodeError UnicodeError csv.Error _csv.Error BadZipFile BadGzipFile zlib.error"),
    rule(
        "data/format", types="LZMAError UnpicklingError ParserError ParseError ArrowInvalid struct.error binascii.Error"
    ),
    rule(
        "data/format",
        types="OutOfBoundsDatetime DateParseError ExpatError ComputeError TarError dbm.error",
    ),
    rule("data/format", types="EOFError", origins="gzip bz2 lzma pickle _compression"),
    rule("data/format", types="EOFError", message=r"end-of-stream"),
    rule("data/format", types="InvalidOperation", message=r"conversionsyntax"),
    rule(
        "data/format",
        types="ValueError",
        message=r"could not convert string|do(?:es)?(?: not|n't) match format|unconverted data|invalid isoformat"
        r"|unknown (?:datetime )?string format|embedded null|bad marshal|invalid literal for|unable to parse"
        r"|day is out of range|month must be in"
        r"|badly formed hexadecimal|contains pickled|cannot load file|bad magic|magic bytes|parquet",
    ),
)

_NUMBERS: Final = (
    rule(
        "numeric/nonfinite",
        types="ValueError ArithmeticError TypeError RuntimeWarning",
        message=r"cannot convert (?:float )?(?:nan|infinity|na |non-finite)|contains? (?:nan|infs?)|infs or nans"
        r"|math domain error|invalid value encountered|non-?finite|non finite|must be finite|contain nan",
    ),
    rule("model", types="ValueError", message=r"probabilities (?:do not sum|are not non-negative)"),
    rule("numeric/division", types="ZeroDivisionError DivisionByZero"),
    rule("numeric/division", types="ArithmeticError Warning", message=r"divi\w+ by zero"),
    rule("numeric/no_convergence", types="NoConvergence ConvergenceError ConvergenceWarning ArpackNoConvergence"),
    rule(
        "numeric/no_convergence",
        types="ValueError RuntimeError Warning ArithmeticError",
        message=r"(?:not|failed to|fails to) converge|no convergence|maximum number of (?:iterations|function)",
    ),
    rule("numeric/overflow", types="OverflowError decimal.Overflow"),
    rule("numeric/overflow", message=r"overflow encountered|math range error|integer overflow"),
    rule("numeric/overflow", message=r"out of bounds for (?:u?int|float)"),
    rule("numeric/overflow", types="ValueError", message=r"exceeds the limit .* for integer string conversion"),
    rule("numeric/nonfinite", types="decimal.InvalidOperation FloatingPointError", message=r"invalid"),
    rule("numeric", types="LinAlgError ArithmeticError"),
)

_NAMES: Final = (
    rule("interrupted/scheduler", own=True, named=r"Terminat|Preempt|Evict"),
    rule("stalled", own=True, named=r"NoProgress|Stall|Watchdog|Stuck|Hang"),
    rule("data/quality", own=True, named=r"Quality|Check|Reconcil|Sanity"),
    rule("data/schema", own=True, named=r"Schema|Column"),
    rule("data/missing", own=True, named=r"(?:Missing|No|Empty)\w*(?:Data|Rows?|Input|Census|Records?)"),
    rule("data/integrity", own=True, named=r"Duplicate|Integrity|Orphan"),
    rule("data", own=True, named=r"Data(?:set)?Error|InvalidData|DataInvalid"),
    rule("numeric/no_convergence", own=True, named=r"Converge"),
    rule("worker", own=True, named=r"Worker"),
    rule("external/service", own=True, named=r"Service|Api[A-Z]|API"),
    rule("resource/time", own=True, named=r"Timeout|Deadline"),
    rule("model", types="simpy.exceptions.SimPyException simpy.exceptions.Interrupt"),
    rule("observability", types="navigator_obs.errors.ObsError"),
)

CAUSES: Final = (
    *_RESOURCES,
    *_PROGRAMS,
    *_DATABASES,
    *_DBT,
    *_SERVICES,
    *_ENVIRONMENT,
    *_SETTINGS,
    *_DATA,
    *_NUMBERS,
    *_NAMES,
)

MISTAKES: Final = (
    rule(
        "config", types=_WORDS, message=r"^unknown (?:scenario|option|setting|parameter|mode|method|strategy|policy)\b"
    ),
    rule("config", types=_WORDS, message=r"choose from|must be one of|valid (?:\w+ )?are"),
    rule("config", types=_WORDS, message=r"\b(?:[\w-]+\.(?:toml|ya?ml|ini|cfg)|(?:settings|config)\.json)\b"),
    rule("config", types=_WORDS, message=r"\b(?:setting|option|parameter)s? .{0,60}\b(?:missing|required|not set)\b"),
    rule(
        "config",
        types=_WORDS,
        message=r"must be (?:between|positive|at (?:least|most)|greater|less|[<>])",
    ),
    rule("stalled", types=f"{_WORDS} TimeoutError", message=r"\bno progress\b|\bstalled\b|\bdeadlock"),
    rule("model", types=_WORDS, message=r"\bnegative (?:headcount|balance|stock|population|age|salary)\b|invariant"),
    rule("observability", types="Exception", origins="structlog prometheus_client opentelemetry logging loguru"),
    rule("environment", types="KeyError", message=r"getpw|getgr"),
    rule(
        "data/missing", types=_WORDS, message=r"\b(?:is|are|was|were) empty\b|\bno (?:rows|data|records|observations)\b"
    ),
    rule(
        "data/quality",
        types=_WORDS,
        message=r"\b(?:in|for) [\d,]+ (?:rows?|records?|employees|values)\b|\d (?:rows|records) (?:have|are)\b",
    ),
    rule("resource/time", types="TimeoutError"),
    rule("resource/descriptors", types="ResourceWarning"),
    rule("environment/dependency", types="ImportWarning"),
    rule("code", types="DeprecationWarning PendingDeprecationWarning FutureWarning SyntaxWarning BytesWarning"),
    rule("data/format", types="UnicodeWarning"),
    rule("numeric", types="RuntimeWarning"),
    rule("external/network", types="ConnectionError"),
    rule("environment", types="OSError"),
    rule("external", types="CalledProcessError"),
    rule("model", own=True, types="Exception"),
    rule("code", types="AssertionError AttributeError NameError TypeError LookupError SyntaxError NotImplementedError"),
    rule("code", types="RecursionError RuntimeError ValueError BufferError ReferenceError StopIteration"),
    rule("code", types="PickleError InvalidStateError EOFError SystemError StopAsyncIteration EncodingWarning"),
)

WORDS: Final = (
    rule(
        "external/network",
        message=r"connection (?:refused|reset|aborted|timed out)|\btimed out\b|name or service not known"
        r"|network is unreachable|name resolution|no route to host",
    ),
    rule("external/service", message=r"service unavailable|bad gateway|too many requests|internal server error"),
    rule("environment/permission", message=r"permission denied"),
    rule("environment/missing_file", message=r"no such file or directory"),
    rule("data/format", message=r"could not convert|invalid literal|can't decode|could not (?:be )?parsed?\b"),
    rule("data/quality", message=r"^check \S+ failed"),
)
"""Asked of errors of which there are only words, as programs log what they have caught."""

COLLATERAL: Final = (rule("interrupted/user", types="CancelledError GeneratorExit"),)
"""What happens to a task because of something else: it decides only where nothing else does."""

REFRAMING: Final = (
    rule("config", own=True, named=r"Config|Settings|Parameter|Option"),
    rule("config", types="navigator_obs.errors.ConfigError argparse.ArgumentError argparse.ArgumentTypeError"),
    rule("config", types="ZoneInfoNotFoundError UnknownTimeZoneError click.exceptions.UsageError"),
    rule("config", types="ValueError", message=r"^unable to configure|^cannot resolve"),
    rule("code", types="UndefinedVariableError"),
)
"""What the program makes of a cause that says little by itself: settings that are no JSON are a matter of settings."""
REFRAMED: Final = ("data", "code", "model", "numeric", "environment/missing_file", "environment/dependency", "unknown")
"""The categories, or beginnings of them, that give way to that."""
