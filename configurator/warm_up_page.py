"""The warm-up as people see it: a table with small drawings for a terminal, a page with curves for a browser."""

import html

import numpy as np
import numpy.typing as npt

from configurator.tables import Table, table
from simulation.warm_up import Verdict, WarmUpStudy

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 40
_COLUMNS = 3
_ROW_HEIGHT = 190


def sparkline(values: npt.NDArray[np.float64], width: int = _WIDTH) -> str:
    """Return a series as a row of blocks, from 0 (or its least value, when negative) to its greatest.

    >>> sparkline(np.array([0.0, 1.0, 2.0, 7.0]), 4)
    '▁▂▃█'
    """
    means = np.array([part.mean() for part in np.array_split(values, min(width, len(values)))])
    low = min(0.0, float(means.min()))
    span = float(means.max()) - low
    scaled = (means - low) / span if span > 0.0 else np.zeros(len(means))
    return "".join(_BLOCKS[round(float(height) * (len(_BLOCKS) - 1))] for height in scaled)


def warm_up_table(study: WarmUpStudy) -> Table:
    """Return one row a series: what it looks like, when it settles, how far off it is when the warm-up ends."""
    columns = ("indicator", "unit", "moving_average", "settles_after", "at_the_end", "later", "verdict")
    return table("warm_up", columns, (_row(verdict) for verdict in study.verdicts))


def _row(verdict: Verdict) -> tuple[str | float | None, ...]:
    series = verdict.series
    drawn = sparkline(series.smooth)
    return (series.name, series.unit, drawn, verdict.settles, verdict.at_end, verdict.later, verdict.words)


def warm_up_sentences(study: WarmUpStudy, unit: str) -> str:
    """Return whether the warm-up is enough, in words."""
    short = [verdict.series.name for verdict in study.verdicts if not verdict.is_enough]
    made = (
        f"from {study.replications} replications that start with nobody at {unit} {-study.warm_up:g} and go on to "
        f"{study.run:g} under today's offer, without growth"
    )
    if study.warm_up <= 0.0:
        return f"There is no warm-up: everyone arrives from time 0 on ({made})."
    if not short:
        return f"The warm-up of {study.warm_up:g} {unit}s is enough for all {len(study.verdicts)} indicators ({made})."
    return (
        f"The warm-up of {study.warm_up:g} {unit}s is NOT enough for {len(short)} of {len(study.verdicts)} indicators: "
        f"{', '.join(short)} ({made})."
    )


def warm_up_page(study: WarmUpStudy, title: str, unit: str) -> str:
    """Return a self-contained page: each series with its moving average, the end of the warm-up marked."""
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    rows = -(-len(study.verdicts) // _COLUMNS)
    names = [f"{verdict.series.name} ({verdict.words})" for verdict in study.verdicts]
    figure = make_subplots(
        rows=rows, cols=_COLUMNS, subplot_titles=names, vertical_spacing=min(0.08, 0.4 / rows), horizontal_spacing=0.06
    )
    for number, verdict in enumerate(study.verdicts):
        place = {"row": number // _COLUMNS + 1, "col": number % _COLUMNS + 1}
        faint = {"color": "#b0b7c3", "width": 1}
        strong = {"color": "#1f5fa8" if verdict.is_enough else "#b3261e", "width": 2}
        for values, line in ((verdict.series.values, faint), (verdict.series.smooth, strong)):
            curve = go.Scatter(x=study.times.tolist(), y=values.tolist(), mode="lines", line=line, showlegend=False)
            figure.add_trace(curve, **place)
        figure.add_vline(x=0.0, line={"color": "#555555", "width": 1, "dash": "dot"}, **place)
    figure.update_annotations(font_size=12)
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(
        height=_ROW_HEIGHT * rows + 80, template="plotly_white", margin={"l": 50, "r": 20, "t": 50, "b": 40}
    )
    curves = figure.to_html(
        full_html=False, include_plotlyjs=True, config={"showSendToCloud": False, "displaylogo": False}
    )
    heading = html.escape(f"{title}: is the warm-up enough?")
    explained = html.escape(
        f"{warm_up_sentences(study, unit)} Thin: mean of each interval of time; thick: Welch's moving average; the "
        f"dotted line is time 0, the end of the warm-up ({unit}s). Settled: MSER-5 leaves out no more than the warm-up."
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{heading}</title></head>'
        f'<body style="font-family: sans-serif; margin: 1.5rem">\n<h1 style="font-size: 1.3rem">{heading}</h1>\n'
        f"<p>{explained}</p>\n{curves}\n</body></html>\n"
    )
