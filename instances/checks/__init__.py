"""What must hold between tables: one function a fault, all of them run, all faults listed."""

from instances.checks.all_checks import faults_between_tables

__all__ = ["faults_between_tables"]
