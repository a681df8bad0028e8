"""The layers of the pipeline and of the dbt project stay in their order.

Rules about who may know whom, and about what every module, model and column must say of itself, belong here. Each rule
is a function from sources to findings, shown on a small bad example and then put to this project. What modules and
models do does not belong here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
STAGES = ("acquire", "check", "model", "publish", "report", "schedule")
HEAVY = {"dagster", "dagster_dbt", "dbt", "great_expectations"}
DAGSTER = {"dagster", "dagster_dbt", "dbt"}
WIRING = re.compile(
    r"pipelines\.(definitions|step_retries|acquire\.landed_assets|check\.(landed|published)_gates|model\.dbt_bridge"
    r"|schedule\.dagster_storage|publish\.published_asset|schedule\.automation|[a-z_.]+_assets?)"
)
# Starts the job, so it imports Dagster when there is something to run, and not before.
STARTER = "pipelines.refresh"
GATES = ("pipelines.check.great_expectations_engine", "pipelines.check.expectation_suites")
CLOCK = re.compile(
    r"\b(current_date|current_time|current_timestamp|current_localtime|current_localtimestamp|localtime|localtimestamp"
    r"|run_started_at)\b|\b(now|today|get_current_time|get_current_timestamp|transaction_timestamp)\s*\(|\bmodules\.datetime\b",
    re.IGNORECASE,
)
LITERAL_REF = re.compile(r"\bref\(\s*[\"']([a-z0-9_]+)[\"']")
LITERAL = re.compile(r"[\"'][a-z0-9_]+[\"']")
ANY_REF = re.compile(r"\bref\(\s*([^)]*)\)")
SOURCE = re.compile(r"\bsource\(\s*[\"']([a-z0-9_]+)[\"']\s*,\s*[\"']([a-z0-9_]+)[\"']")
LOOP = re.compile(r"{%-?\s*for\s+(\w+)\s+in\s+var\(\s*[\"'](\w+)[\"']\s*\)")
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/|{#.*?#}", re.DOTALL)
# Ends a sentence; a full stop inside a name such as dbt_project.yml does not.
SENTENCE_END = re.compile(r"[.!?](?=\s|$)")


class Import(NamedTuple):
    """One import: what it names, and whether it runs when the module is imported."""

    module: str
    line: int
    at_import: bool


Modules = Mapping[str, str]
"""Dotted module name to its source."""

Models = Mapping[str, str]
"""Path below ``dbt_project/models`` to the SQL, or to the YAML."""


def read_modules(root: Path, package: str) -> dict[str, str]:
    """Read every module of a package below ``root``, keyed by dotted name."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path.read_text("utf-8")
        for path in sorted((root / package).rglob("*.py"))
    }


def imports_of(source: str) -> Iterator[Import]:
    """Yield every import of a module, in functions and for type checkers too; our imports are all absolute."""

    def walk(node: ast.AST, at_import: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.Import(names=names):
                    yield from (Import(name.name, child.lineno, at_import) for name in names)
                case ast.ImportFrom(module=module, names=names, level=level):
                    origin = "." * level + (module or "")
                    yield Import(origin, child.lineno, at_import)
                    # ``from package import module`` names a module, too.
                    yield from (Import(f"{origin}.{name.name}", child.lineno, at_import) for name in names)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                    yield from walk(child, False)
                case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                    for inner in child.body:
                        yield from walk(ast.Module([inner], []), False)
                    for inner in child.orelse:
                        yield from walk(ast.Module([inner], []), at_import)
                case _:
                    yield from walk(child, at_import)

    return walk(ast.parse(source), True)


def top(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


# The rules about Python. A finding is one sentence.


def later_stages_imported(modules: Modules) -> list[str]:
    """Find stages that know a later one, be it for a type only: data never flows back."""
    findings: list[str] = []
    for name, source in modules.items():
        if name.split(".")[1:2] and (stage := name.split(".")[1]) in STAGES:
            later = STAGES[STAGES.index(stage) + 1 :]
            for line, module in sorted({(found.line, found.module) for found in imports_of(source)}):
                if any((module + ".").startswith(f"pipelines.{one}.") for one in later):
                    findings.append(f"{name}:{line} imports {module}, which is of a later stage")
    return findings


def relative_imports(modules: Modules) -> list[str]:
    """Find relative imports, which the other rules would not recognise."""
    return [
        f"{name}:{found.line} imports {found.module}"
        for name, source in modules.items()
        for found in imports_of(source)
        if found.module.startswith(".")
    ]


def orchestrator_outside_the_wiring(modules: Modules) -> list[str]:
    """Find imports of Dagster or dbt outside the modules that wire; the starter may import Dagster lazily."""
    findings: list[str] = []
    for name, source in modules.items():
        for found in imports_of(source):
            allowed = WIRING.fullmatch(name) or (name == STARTER and not found.at_import)
            if top(found.module) in DAGSTER and not allowed:
                findings.append(f"{name}:{found.line} imports {found.module}")
    return findings


def great_expectations_at_import(modules: Modules) -> list[str]:
    """Find imports of Great Expectations that run at import, or outside the gates: it costs seconds."""
    return [
        f"{name}:{found.line} imports {found.module}" + (" at module level" if found.at_import else "")
        for name, source in modules.items()
        for found in imports_of(source)
        if top(found.module) == "great_expectations" and (found.at_import or name not in GATES)
    ]


def heavy_unit_tests(tests: Modules, modules: Modules) -> list[str]:
    """Find unit tests that import Dagster, dbt or Great Expectations, themselves or through our modules."""
    loads: dict[str, set[str]] = {
        name: {found.module for found in imports_of(source) if found.at_import} for name, source in modules.items()
    }

    def way_to_heavy(module: str, seen: frozenset[str]) -> list[str] | None:
        if top(module) in HEAVY:
            return [module]
        for further in sorted(loads.get(module, set())):
            if further not in seen and (way := way_to_heavy(further, seen | {further})):
                return [module, *way]
        return None

    findings: list[str] = []
    for name, source in tests.items():
        for found in imports_of(source):
            if way := way_to_heavy(found.module, frozenset({found.module})):
                findings.append(f"{name}:{found.line} imports {' -> '.join(way)}")
    return findings


def thin_docstrings(modules: Modules) -> list[str]:
    """Find modules that do not say in two sentences what belongs in them and what does not."""
    found = {name: ast.get_docstring(ast.parse(source)) or "" for name, source in modules.items()}
    return [
        f"{name}: {'one sentence only' if docstring else 'no docstring'}"
        for name, docstring in found.items()
        if len(SENTENCE_END.findall(docstring)) < 2
    ]


# The rules about the dbt project.


def code_of(sql: str) -> str:
    """Return SQL without its comments, which may speak of anything."""
    return COMMENT.sub(" ", sql)


def layer_of(path: str) -> str:
    return path.split("/", maxsplit=1)[0]


def layers_skipped(models: Models) -> list[str]:
    """Find models that read a layer they should not know.

    Staging reads its own source only; intermediate reads staging, intermediate, seeds and sources; marts read marts,
    intermediate, seeds and the logs of the run. A mart may read the staging models that a variable lists. What compares
    the release with the one before comes after the marts.
    """
    layers = {Path(path).stem: layer_of(path) for path in models}
    findings: list[str] = []
    for path, sql in models.items():
        code, layer = code_of(sql), layer_of(path)
        names: set[str] = set(LITERAL_REF.findall(code))
        sources: set[tuple[str, str]] = set(SOURCE.findall(code))
        if layer == "staging":
            own = ("accepted", path.split("/")[1])
            findings += [f"{path} reads the model {name}" for name in ANY_REF.findall(code)]
            findings += [f"{path} reads the source {'.'.join(one)}" for one in sorted(sources - {own})]
            if own not in sources:
                findings.append(f"{path} does not read its source {'.'.join(own)}")
        else:
            forbidden = {
                "intermediate": {"marts", "comparison"},
                "marts": {"staging", "comparison"},
                "comparison": {"staging"},
            }[layer]
            findings += [f"{path} reads {name}" for name in sorted(names) if layers.get(name) in forbidden]
            findings += [f"{path} reads the source {'.'.join(one)}" for one in sorted(sources) if one[0] == "accepted"]
    return findings


def refs_nobody_can_follow(models: Models) -> list[str]:
    """Find references whose target is neither written out nor an item of a variable's list."""
    findings: list[str] = []
    for path, sql in models.items():
        code = code_of(sql)
        items = {item for item, variable in LOOP.findall(code) if variable.endswith("_models")}
        written: set[str] = {argument.strip() for argument in ANY_REF.findall(code)}
        findings += [
            f"{path}: ref({one})" for one in sorted(written) if not LITERAL.fullmatch(one) and one not in items
        ]
    return findings


def clock_read(files: Models) -> list[str]:
    """Find SQL or macros that ask for the time: a past release could not be rebuilt."""
    return [
        f"{path} reads the clock: {found.group()}"
        for path, text in files.items()
        for found in CLOCK.finditer(code_of(text))
    ]


def described(properties: Models) -> dict[str, dict[str, Any]]:
    """Return model name to its entry in the YAML files."""
    return {
        model["name"]: model
        for text in properties.values()
        for model in (yaml.safe_load(text) or {}).get("models") or []
    }


def undescribed_models(models: Models, properties: Models) -> list[str]:
    """Find models without a description of at least three words."""
    entries = described(properties)
    return [path for path in models if len(str(entries.get(Path(path).stem, {}).get("description") or "").split()) < 3]


def undescribed_mart_columns(models: Models, properties: Models) -> list[str]:
    """Find columns of marts without a description, columns of tables without a type, and marts without columns.

    A view has no contract, so its columns have no type to state; they may take their descriptions from the tables.
    """
    entries = described(properties)
    findings: list[str] = []
    for path in models:
        if layer_of(path) != "marts" and not path.startswith("comparison/marts/"):
            continue
        name = Path(path).stem
        entry = entries.get(name, {})
        is_view = (entry.get("config") or {}).get("materialized") == "view"
        columns: list[dict[str, Any]] = entry.get("columns") or []
        if not columns and not is_view:
            findings.append(f"{name} lists no column")
        for column in columns:
            if not str(column.get("description") or "").strip():
                findings.append(f"{name}.{column['name']} has no description")
            if not is_view and not column.get("data_type"):
                findings.append(f"{name}.{column['name']} has no data_type")
    return findings


def orphaned_properties(models: Models, properties: Models) -> list[str]:
    """Find YAML entries of models that do not exist, and models with two entries."""
    names = [
        model["name"] for text in properties.values() for model in (yaml.safe_load(text) or {}).get("models") or []
    ]
    known = {Path(path).stem for path in models}
    return [f"{name} is no model" for name in names if name not in known] + [
        f"{name} is described {names.count(name)} times" for name in sorted(set(names)) if names.count(name) > 1
    ]


# What the rules are put to.


def read_files(folder: str, *suffixes: str) -> dict[str, str]:
    root = REPOSITORY / "dbt_project" / folder
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for path in sorted(root.rglob("*"))
        if path.suffix in suffixes
    }


@pytest.fixture(scope="module")
def modules() -> Modules:
    return read_modules(REPOSITORY, "pipelines")


@pytest.fixture(scope="module")
def models() -> Models:
    return read_files("models", ".sql")


@pytest.fixture(scope="module")
def properties() -> Models:
    return read_files("models", ".yml", ".yaml")


def test_there_is_something_to_put_the_rules_to(modules: Modules, models: Models, properties: Models):
    assert all(any(name.startswith(f"pipelines.{stage}.") for name in modules) for stage in STAGES)
    assert {layer_of(path) for path in models} == {"staging", "intermediate", "marts", "comparison"}
    assert properties


@pytest.mark.parametrize(
    "rule",
    [
        later_stages_imported,
        relative_imports,
        orchestrator_outside_the_wiring,
        great_expectations_at_import,
        thin_docstrings,
    ],
)
def test_pipelines_keep(rule: Callable[[Modules], list[str]], modules: Modules):
    assert rule(modules) == []


def test_unit_tests_are_light(modules: Modules):
    tests = read_modules(REPOSITORY, "tests/unit")
    assert tests
    assert heavy_unit_tests(tests, modules) == []


@pytest.mark.parametrize("rule", [layers_skipped, refs_nobody_can_follow, clock_read])
def test_models_keep(rule: Callable[[Models], list[str]], models: Models):
    assert rule(models) == []


def test_macros_and_tests_of_dbt_do_not_read_the_clock():
    macros = read_files("macros", ".sql")
    assert macros
    assert clock_read({**macros, **read_files("tests", ".sql")}) == []


@pytest.mark.parametrize("rule", [undescribed_models, undescribed_mart_columns, orphaned_properties])
def test_properties_keep(rule: Callable[[Models, Models], list[str]], models: Models, properties: Models):
    assert rule(models, properties) == []


# Each rule on a small bad example.


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("pipelines.acquire.landing", "from pipelines.check.gate import run_gate"),
        ("pipelines.acquire.landing", "from pipelines import publish"),
        ("pipelines.check.gate", "import pipelines.model.dbt_bridge as bridge"),
        ("pipelines.check.gate", "def run():\n    from pipelines.publish import release"),
        ("pipelines.model.dbt_bridge", "if TYPE_CHECKING:\n    from pipelines.publish.release import ReleaseRecord"),
    ],
)
def test_knowing_a_later_stage_is_found(name: str, source: str):
    assert later_stages_imported({name: source})


def test_knowing_an_earlier_stage_or_the_common_modules_is_fine():
    source = "from pipelines.acquire.landing import land\nfrom pipelines import settings\nimport modelling"
    assert later_stages_imported({"pipelines.check.gate": source, "pipelines.cli": "import pipelines.publish"}) == []


def test_a_relative_import_is_found():
    assert relative_imports({"pipelines.acquire.landing": "from ..check import gate"})


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("pipelines.check.gate", "import dagster as dg"),
        ("pipelines.publish.release", "def publish():\n    from dbt.cli.main import dbtRunner"),
        ("pipelines.acquire.landing", "class Land:\n    import dagster_dbt"),
        ("pipelines.refresh", "import dagster"),
    ],
)
def test_the_orchestrator_outside_the_wiring_is_found(name: str, source: str):
    assert orchestrator_outside_the_wiring({name: source})


def test_the_orchestrator_in_the_wiring_is_fine():
    lazily = "def refresh():\n    import dagster"
    wired = {"pipelines.check.landed_gates": "import dagster", "pipelines.refresh": lazily}
    assert orchestrator_outside_the_wiring(wired) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("pipelines.check.gate", "import great_expectations as gx"),
        ("pipelines.check.gate", "try:\n    from great_expectations import core\nexcept ImportError:\n    core = None"),
        ("pipelines.check.gate", "if not TYPE_CHECKING:\n    import great_expectations"),
        ("pipelines.cli", "def show():\n    import great_expectations"),
    ],
)
def test_an_early_great_expectations_is_found(name: str, source: str):
    assert great_expectations_at_import({name: source})


def test_a_unit_test_that_gets_something_heavy_through_our_modules_is_found():
    modules = {
        "pipelines.a": "from pipelines.b import thing",
        "pipelines.b": "from pipelines import a\nimport dagster",
        "pipelines.c": "def lazily():\n    import dagster",
    }
    bad = {"test_a": "from pipelines.a import thing"}
    assert heavy_unit_tests(bad, modules) == ["test_a:1 imports pipelines.a -> pipelines.b -> dagster"]
    assert heavy_unit_tests({"test_direct": "def test():\n    import great_expectations"}, {})
    assert heavy_unit_tests({"test_c": "from pipelines.c import lazily"}, modules) == []


@pytest.mark.parametrize("source", ["", "import os", '"""Reads dbt_project.yml."""', '"""Reads files"""'])
def test_a_thin_docstring_is_found(source: str):
    assert thin_docstrings({"pipelines.thin": source})


def test_two_sentences_are_enough():
    assert thin_docstrings({"pipelines.said": '"""Reads files.\n\nWriting does not belong here.\n"""'}) == []


@pytest.mark.parametrize(
    ("path", "sql"),
    [
        ("staging/x/stg_x__y.sql", "select * from {{ ref('areas') }}, {{ source('accepted', 'x') }}"),
        ("staging/x/stg_x__y.sql", "select * from {{ source('accepted', 'another') }}"),
        ("staging/x/stg_x__y.sql", "select 1 as one"),
        ("intermediate/int_a__b.sql", "select * from {{ ref('dim_area') }}"),
        ("intermediate/int_a__b.sql", "select * from {{ source('accepted', 'x') }}"),
        ("marts/dim_area.sql", 'select * from {{ ref("stg_x__y") }}'),
    ],
)
def test_a_skipped_layer_is_found(path: str, sql: str):
    others = {"staging/x/stg_x__y.sql": "select * from {{ source('accepted', 'x') }}", "marts/dim_area.sql": ""}
    assert layers_skipped({**others, path: sql})


def test_layers_in_order_are_fine():
    loop = "{% for model in var('indicator_value_models') %} select * from {{ ref(model) }} {% endfor %}"
    models = {
        "staging/x/stg_x__y.sql": "-- not ref('dim_area')\nselect * from {{ source('accepted', 'x') }}",
        "intermediate/int_a__b.sql": "select * from {{ ref('stg_x__y') }}, {{ ref('areas') }}",
        "marts/dim_area.sql": "select * from {{ ref('int_a__b') }}, {{ source('check_log', 'loads') }} " + loop,
        "marts/v_area.sql": "select * from {{ ref('dim_area') }}",
    }
    assert layers_skipped(models) == []
    assert refs_nobody_can_follow(models) == []


@pytest.mark.parametrize(
    "sql", ["{{ ref(name) }}", "{% for name in ['stg_x__y'] %}{{ ref(name) }}{% endfor %}", "{{ ref('stg_' ~ name) }}"]
)
def test_a_reference_that_nobody_can_follow_is_found(sql: str):
    assert refs_nobody_can_follow({"marts/dim_area.sql": sql})


@pytest.mark.parametrize(
    "sql",
    [
        "select current_date",
        "select NOW()",
        "select now ()",
        "select today() as day",
        "select current_timestamp",
        "select get_current_timestamp()",
        "select '{{ run_started_at }}'",
        "select '{{ modules.datetime.date.today() }}'",
    ],
)
def test_reading_the_clock_is_found(sql: str):
    assert clock_read({"marts/dim_area.sql": sql})


@pytest.mark.parametrize(
    "sql",
    ["-- never current_date\nselect 1", "select known(), current_date_of_baseline", "{# no now() #}", "/* now() */"],
)
def test_what_only_looks_like_a_clock_is_fine(sql: str):
    assert clock_read({"marts/dim_area.sql": sql}) == []


def test_a_model_without_a_description_is_found():
    models = {"intermediate/int_a__b.sql": "", "marts/dim_area.sql": ""}
    assert undescribed_models(models, {"a.yml": "models: [{name: int_a__b, description: TODO}]"}) == list(models)
    assert undescribed_models(models, {}) == list(models)


@pytest.mark.parametrize(
    "columns",
    [
        "[]",
        "[{name: area_key, data_type: bigint}]",
        "[{name: area_key, data_type: bigint, description: ' '}]",
        "[{name: area_key, description: Key.}]",
    ],
)
def test_a_mart_column_that_says_too_little_is_found(columns: str):
    properties = {"a.yml": f"models: [{{name: dim_area, columns: {columns}}}]"}
    assert undescribed_mart_columns({"marts/dim_area.sql": ""}, properties)


def test_a_view_need_not_state_types():
    properties = {
        "a.yml": "models: [{name: v_area, config: {materialized: view}, columns: [{name: a, description: One.}]}]"
    }
    assert undescribed_mart_columns({"marts/v_area.sql": ""}, properties) == []


def test_an_orphaned_entry_is_found():
    one = "models: [{name: dim_area}]"
    assert orphaned_properties({}, {"a.yml": one}) == ["dim_area is no model"]
    assert orphaned_properties({"marts/dim_area.sql": ""}, {"a.yml": one, "b.yml": one}) == [
        "dim_area is described 2 times"
    ]
