"""Stock CumulusCI loads, queries and deletes by Bulk API 1.0 on the local org."""

from __future__ import annotations

import csv

import pytest

pytestmark = [pytest.mark.clients]

MAPPING = "Lead:\n  sf_object: Lead\n  api: bulk\n  fields: [LastName, Company]\n"
DATASET = """BEGIN TRANSACTION;
CREATE TABLE "Lead" (
    id VARCHAR(255) NOT NULL, "LastName" VARCHAR(255), "Company" VARCHAR(255), PRIMARY KEY (id)
);
INSERT INTO "Lead" VALUES('Lead-1','Doe','Globex');
INSERT INTO "Lead" VALUES('Lead-2','Roe','Acme');
COMMIT;
"""
SOQL = "SELECT LastName, Company FROM Lead ORDER BY LastName"


def test_a_dataset_is_loaded_queried_and_deleted_in_bulk(shell):
    def task(*arguments):
        return shell.cci("task", "run", *arguments).stdout

    def rows():
        task(
            "query",
            "--org",
            "local",
            "--object",
            "Lead",
            "--query",
            SOQL,
            "--result_file",
            "out.csv",
        )
        with (shell.project / "out.csv").open(newline="", encoding="utf-8") as source:
            return list(csv.reader(source))

    (shell.project / "mapping.yml").write_text(MAPPING, encoding="utf-8")
    (shell.project / "dataset.sql").write_text(DATASET, encoding="utf-8")
    task("connect_local_org")
    files = ("--mapping", "mapping.yml", "--sql_path", "dataset.sql")
    assert "finished with result: Success" in task("load_dataset", "--org", "local", *files)
    assert rows() == [["LastName", "Company"], ["Doe", "Globex"], ["Roe", "Acme"]]
    deleted = task("delete_data", "--org", "local", "--objects", "Lead", "--api", "bulk")
    assert "finished with result: Success" in deleted
    assert rows() == [["Records not found for this query"]]
