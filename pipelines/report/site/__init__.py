"""The report: a published file as a site that opens from disk, without a network, a server or a script.

What is written on which page belongs here, and what a page needs to be read by everybody. Figures are those of the
file: none is computed here. The pictures are made in ``pipelines.report.charts``.

Components are those of NHS.UK frontend, by its port to Jinja; ``assets/nhsuk-frontend.scss`` says how its stylesheet
was made, and ``assets/site.css`` holds the little that it lacks.
"""

from pipelines.report.site.build import Download, SiteReport, build_site

__all__ = ["Download", "SiteReport", "build_site"]
