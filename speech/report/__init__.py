"""Reports as one HTML file: no script, no font, no picture from elsewhere; readable by ear as by eye.

`html` builds the page, `plots` draws into it. What a report says is the verb's own matter.
"""

from speech.report.html import Markup, definition_list, element, figure, isolated, page, section, table
from speech.report.plots import Band, Curve, Lane, calibration_plot, curves_plot, interval_plot, timeline_plot

__all__ = [
    "Band",
    "Curve",
    "Lane",
    "Markup",
    "calibration_plot",
    "curves_plot",
    "definition_list",
    "element",
    "figure",
    "interval_plot",
    "isolated",
    "page",
    "section",
    "table",
    "timeline_plot",
]
