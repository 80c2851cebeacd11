"""Migration of MATLAB experiments: .m scripts become .py scripts, with a report on every line."""

from hf_matlab_compat.migrate.check import CheckResult, check
from hf_matlab_compat.migrate.directory import migrate_directory, migrate_script
from hf_matlab_compat.migrate.scripts import translate
from hf_matlab_compat.migrate.translation import Fate, ReportLine, Translation

__all__ = [
    "CheckResult",
    "Fate",
    "ReportLine",
    "Translation",
    "check",
    "migrate_directory",
    "migrate_script",
    "translate",
]
