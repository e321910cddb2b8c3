"""Checks SQL for BigQuery without BigQuery: Google's own analyser understands it, and it names the days that it reads.

Reads JSON from its input: `tables` (each `names`, all that it is known by, and `fields` as in BigQuery's schema files)
and `statements` (each `sql` and `parameters`: name, if it has one, and type as BigQuery's interface writes it). Prints
one line for each fault and a last one that counts; ends with 1 when there is a fault.

What is absent: execution, and costs. The analyser knows the language, not the limits of the service.
"""

import json
import sys

import sqlglot
from sqlglot import exp
from zetasql import types as zt
from zetasql.api import Analyzer, CatalogBuilder, TableBuilder, TypeFactory

PARTITION = "ds"
KINDS = {
    "STRING": zt.TypeKind.TYPE_STRING,
    "INTEGER": zt.TypeKind.TYPE_INT64,
    "INT64": zt.TypeKind.TYPE_INT64,
    "FLOAT": zt.TypeKind.TYPE_DOUBLE,
    "FLOAT64": zt.TypeKind.TYPE_DOUBLE,
    "NUMERIC": zt.TypeKind.TYPE_NUMERIC,
    "BOOLEAN": zt.TypeKind.TYPE_BOOL,
    "BOOL": zt.TypeKind.TYPE_BOOL,
    "DATE": zt.TypeKind.TYPE_DATE,
    "TIMESTAMP": zt.TypeKind.TYPE_TIMESTAMP,
    "JSON": zt.TypeKind.TYPE_JSON,
}


def simple(kind):
    return TypeFactory.create_simple_type(KINDS[kind])


def column_type(field):
    kind = simple(field["type"])
    return TypeFactory.create_array_type(kind) if field["mode"] == "REPEATED" else kind


def parameter_type(written):
    if written["type"] == "ARRAY":
        return TypeFactory.create_array_type(parameter_type(written["arrayType"]))
    if written["type"] == "STRUCT":
        fields = [(field["name"], parameter_type(field["type"])) for field in written["structTypes"]]
        return TypeFactory.create_struct_type(fields)
    return simple(written["type"])


def language():
    options = zt.LanguageOptions.maximum_features()
    options.product_mode = zt.ProductMode.PRODUCT_EXTERNAL
    options.supported_statement_kinds = [
        zt.ResolvedNodeKind.RESOLVED_QUERY_STMT,
        zt.ResolvedNodeKind.RESOLVED_MERGE_STMT,
    ]
    return options


def catalog(tables, options):
    builder = CatalogBuilder("warehouse")
    number = 0
    for table in tables:
        for name in table["names"]:
            number += 1
            made = TableBuilder(name, serialization_id=number)
            for field in table["fields"]:
                made = made.add_column(field["name"], column_type(field))
            builder = builder.add_table(made.build())
    functions = zt.ZetaSQLBuiltinFunctionOptions(language_options=options)
    return builder.with_builtin_functions(functions).build()


def analyse(statement, options, known):
    parameters = statement["parameters"]
    named = [parameter for parameter in parameters if parameter["name"]]
    positional = [parameter for parameter in parameters if not parameter["name"]]
    asked = zt.AnalyzerOptions(language_options=options)
    asked.query_parameters = [
        zt.AnalyzerOptions.QueryParameter(name=parameter["name"], type=parameter_type(parameter["type"]))
        for parameter in named
    ]
    asked.positional_query_parameters = [parameter_type(parameter["type"]) for parameter in positional]
    mode = zt.ParameterMode
    asked.parameter_mode = mode.PARAMETER_POSITIONAL if positional else mode.PARAMETER_NAMED
    Analyzer(asked, known).analyze_statement(statement["sql"])


def conjuncts(condition):
    if condition is None:
        return []
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        return conjuncts(condition.left) + conjuncts(condition.right)
    return [condition]


def is_day(node, table):
    return isinstance(node, exp.Column) and node.name == PARTITION and node.table in ("", table.alias_or_name)


def is_constant(node):
    return node is not None and not list(node.find_all(exp.Column, exp.Select))


def names_days(condition, table):
    if isinstance(condition, exp.Between):
        bounds = (condition.args["low"], condition.args["high"])
        return is_day(condition.this, table) and all(map(is_constant, bounds))
    if isinstance(condition, (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE)):
        sides = (condition.left, condition.right)
        return any(is_day(side, table) and is_constant(other) for side, other in (sides, sides[::-1]))
    return False


def unfiltered(sql, ours):
    """Returns the tables that are read without a constant condition on their days."""
    missing = []
    for table in sqlglot.parse_one(sql, dialect="bigquery").find_all(exp.Table):
        if not table.name or ".".join(part.name for part in table.parts) not in ours:
            continue
        reader = table.find_ancestor(exp.Select, exp.Merge)
        if isinstance(reader, exp.Merge):
            conditions = conjuncts(reader.args["on"])
        else:
            where = reader.args.get("where")
            conditions = conjuncts(where.this if where else None)
        if not any(names_days(condition, table) for condition in conditions):
            missing.append(table.name)
    return missing


def main():
    given = json.load(sys.stdin)
    options = language()
    known = catalog(given["tables"], options)
    ours = {name for table in given["tables"] if table["partitioned"] for name in table["names"]}
    faults = 0
    for statement in given["statements"]:
        told = []
        try:
            analyse(statement, options, known)
        except Exception as error:  # whatever it is, it is told beside the statement
            told.append(str(error))
        told += [f"{table} is read without a constant condition on {PARTITION}" for table in unfiltered(statement["sql"], ours)]
        for fault in told:
            print(f"{fault}\n    in: {statement['sql']}")
        faults += len(told)
    print(f"{len(given['statements'])} statements, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
