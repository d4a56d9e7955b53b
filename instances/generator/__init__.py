"""Synthetic departments of any size, after real inter-communal bodies and the Loire's tables."""

from instances.generator.department import Department, SpentToday, department, origins, written_department

__all__ = ["Department", "SpentToday", "department", "origins", "written_department"]
