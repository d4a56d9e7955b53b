"""Ledgers: events turned into what patients lived and into who paid whom."""

from simulation.ledgers.account import Account, Bookkeeper, total
from simulation.ledgers.chart import Chart

__all__ = ["Account", "Bookkeeper", "Chart", "total"]
