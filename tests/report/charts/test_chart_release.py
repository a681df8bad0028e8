"""Every chart of a published release: none is missing, all are small, all are drawn soon enough."""

from __future__ import annotations

from xml.etree import ElementTree

import duckdb
import pytest

from pipelines.report.charts import (
    charts_held_back,
    commitment_charts,
    overview_chart,
    place_charts,
    read_chart_data,
)
from pipelines.report.charts.chart_rows import read_value_rows
from pipelines.report.charts.collection import MOST
from pipelines.report.published_rows import NotReadable, reading


@pytest.fixture(scope="module")
def data(published):
    return read_chart_data(published.served_file)


def asked(published, query):
    with duckdb.connect(str(published.served_file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_every_period_of_every_measured_commitment_is_read_once(published, data):
    ((expected,),) = asked(published, "select count(*) from fct_target_vs_actual where period_key > 0")
    with reading(published.served_file) as connection:
        assert len(read_value_rows(connection)) == expected > 500
    assert sum(len(series.points) for series in data.series) == expected


def test_every_commitment_with_a_figure_has_a_chart(published, data):
    query = "select distinct commitment_id from fct_target_vs_actual where actual_value is not null order by all"
    expected = tuple(name for (name,) in asked(published, query))
    assert data.commitment_ids == expected
    assert len(expected) > 30
    counted = {name: len(commitment_charts(data, name)) for name in expected}
    assert min(counted.values()) >= 1
    assert commitment_charts(data, "no-such-commitment") == []


def test_every_chart_is_on_the_page_of_its_place(data):
    shown = [chart.id for code in data.area_codes for chart in place_charts(data, code)]
    assert len(shown) == len(set(shown)) == len(data.series) > 200


def test_a_page_says_what_it_holds_back(data):
    held = {name: charts_held_back(data, name) for name in data.commitment_ids}
    assert any(held.values())
    for name, sentence in held.items():
        charts = commitment_charts(data, name)
        roles = [str(chart.place_role) for chart in charts]
        assert roles == sorted(roles, reverse=True)  # signed before part
        assert len(roles) <= MOST
        together = [chart for chart in charts if chart.area_code is None]
        assert bool(together) == bool(sentence)
        rows = sum(len(chart.table.rows) for chart in together)
        assert not sentence or sentence.startswith(f"{rows} more charts")


def test_charts_are_small_well_formed_and_share_no_id(data):
    seen: set[str] = set()
    charts = [overview_chart(data), *(chart for code in data.area_codes for chart in place_charts(data, code))]
    charts += [chart for name in data.commitment_ids for chart in commitment_charts(data, name) if not chart.area_code]
    assert len(charts) > len(data.series) + 3
    for chart in charts:
        assert len(chart.svg.encode()) <= 20_000
        root = ElementTree.fromstring(chart.svg)
        ids = {name for element in root.iter() if (name := element.get("id"))}
        assert not ids & seen
        seen |= ids
        assert chart.alt.endswith(".")
        assert "None" not in chart.alt + chart.caption + chart.title
        assert all(len(line) == len(chart.table.columns) and all(line) for line in chart.table.rows)


def test_one_that_is_drawn_is_kept(data):
    first = commitment_charts(data, data.commitment_ids[0])
    on_its_place = [chart for chart in place_charts(data, str(first[0].area_code)) if chart.id == first[0].id]
    assert on_its_place[0] is first[0]
    assert first[0] is commitment_charts(data, data.commitment_ids[0])[0]


def test_blanked_cells_stay_out_of_sight(published, tmp_path):
    file = tmp_path / "public.duckdb"
    file.write_bytes(published.served_file.read_bytes())
    ((commitment, code, label, value),) = asked(
        published,
        """
        select commitment_id, area_code, period_label, actual_value
        from fct_target_vs_actual inner join dim_period using (period_key)
        where is_scorecard_period = 0 and place_role = 'signed' and actual_lower_ci_95 is not null
        order by all limit 1
        """,
    )
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            """
            update fct_target_vs_actual
            set actual_value = null, value_status_code = 'suppressed'
            where commitment_id = ? and area_code = ?
                and period_key in (select period_key from dim_period where period_label = ?)
            """,
            [commitment, code, label],
        )
    data = read_chart_data(file)
    (chart,) = [
        chart
        for chart in place_charts(data, code)
        if chart.commitment_id == commitment and label in [line[0] for line in chart.table.rows]
    ]
    (line,) = [line for line in chart.table.rows if line[0] == label]
    assert line[1:4] == ("[c]", "[c]", "[c]")
    assert f"{value:.1f}" not in line
    assert "No figure: suppressed" in chart.svg
    assert f"No figure for {label} (suppressed [c])" in chart.alt


def test_a_file_of_another_kind_is_refused(tmp_path):
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    with pytest.raises(NotReadable):
        read_chart_data(other)
