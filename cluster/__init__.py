"""Where runs run and what they leave behind."""

from cluster.errors import UserError
from cluster.folder import RunFolder, TrialFolder
from cluster.trials import Trial, run_trials

__all__ = ["RunFolder", "Trial", "TrialFolder", "UserError", "run_trials"]
