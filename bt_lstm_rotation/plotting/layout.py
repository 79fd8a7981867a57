"""How large a plot has to be for its panels to be read, and their legends to fit."""

from __future__ import annotations

from typing import Any

__all__ = ["MOST_PIXELS", "ROWS_OF_A_FEED", "lay_out"]

# Agg draws no image that is wider or higher.
MOST_PIXELS = 2**16 - 1

# Backtrader divides a figure into rows. An indicator or an observer takes one of them,
# in which three lines of a legend fit, and a feed several: 5 with Backtrader, which is
# more than ten of them need.
ROWS_OF_A_FEED = 3
INCHES_A_ROW = 0.8
LEAST_INCHES = 9.0
# Above the first panel, and for the dates below the last one.
TOP, BOTTOM = 0.2, 0.5


def lay_out(
    figure: Any, width: float, height: float | None, dpi: float, legends_at: str
) -> None:
    """Set a figure's size, and fit legends into their panels.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        As Backtrader has drawn it.
    width, height : float
        In inches; a height of None follows the number of panels, up to what can be
        drawn at `dpi`.
    legends_at : str
        Where legends go, in matplotlib's words.
    """
    if height is None:
        inches = TOP + BOTTOM + INCHES_A_ROW * _rows(figure)
        height = min(max(LEAST_INCHES, inches), MOST_PIXELS / dpi)
        # As shares of the height, Backtrader's margins would grow with it.
        figure.subplots_adjust(top=1 - TOP / height, bottom=BOTTOM / height)
    figure.set_size_inches(width, height)
    for axes in figure.axes:
        if axes.get_legend() is not None:
            _fit_legend(axes, legends_at)
            # Texts are read, and what lies below is seen.
            frame = axes.get_legend().get_frame()
            frame.set(visible=True, facecolor="white", edgecolor="none", alpha=0.7)


def _rows(figure: Any) -> int:
    return max((axes.get_gridspec().nrows for axes in figure.axes), default=1)


def _fit_legend(axes: Any, place: str) -> None:
    """Give a legend as many columns as it takes not to hang into the panel below."""
    legend = axes.get_legend()
    handles, texts = legend.legend_handles, legend.get_texts()
    labels, font = [text.get_text() for text in texts], legend.prop
    for columns in range(2, len(labels) + 1):
        if axes.get_legend().get_window_extent().height <= axes.bbox.height:
            return
        axes.legend(handles, labels, ncols=columns, loc=place, prop=font, frameon=False)
