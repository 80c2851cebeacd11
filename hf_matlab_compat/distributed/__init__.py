"""Shared parameters: workers that train one network without waiting for each other, and a keeper that merges."""

from hf_matlab_compat.distributed.folder_state import FolderState
from hf_matlab_compat.distributed.keeper import Keeper, replay
from hf_matlab_compat.distributed.merges import Average, Delta, Masked
from hf_matlab_compat.distributed.redis_state import RedisState
from hf_matlab_compat.distributed.shared_state import SharedState, Snapshot
from hf_matlab_compat.distributed.status import open_state
from hf_matlab_compat.distributed.worker import Sharing, work

__all__ = [
    "Average",
    "Delta",
    "FolderState",
    "Keeper",
    "Masked",
    "RedisState",
    "SharedState",
    "Sharing",
    "Snapshot",
    "open_state",
    "replay",
    "work",
]
