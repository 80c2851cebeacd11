"""Reading a user's edited copy of the MATLAB trainer: which options it implies."""

from hf_matlab_compat.migrate.trainer.findings import Implied, Unexpressed
from hf_matlab_compat.migrate.trainer.reader import TrainerReport, read_trainer, read_trainer_text

__all__ = ["Implied", "TrainerReport", "Unexpressed", "read_trainer", "read_trainer_text"]
