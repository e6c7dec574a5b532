"""ETL to video: a week of sales goes from a database through pandas and a chart into a video in your own bucket.

Other DAGs can be scheduled on the video, see ``SALES_VIDEO``. The workers need pandas and matplotlib. Runs unchanged
against the sandbox and the real service. It asks for one render of 6 seconds: 6 credits.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import Asset, ObjectStoragePath, dag, task

from airflow_provider_j2v.operators.media import JSON2VideoUploadMediaOperator

# Workers on several machines share a bucket instead: "s3://aws_default@my-bucket/sales", "gs://…", "abfs://…".
FOLDER = f"file://{tempfile.gettempdir()}/json2video-sales"
DATABASE = f"{tempfile.gettempdir()}/json2video-sales.db"

SALES_VIDEO = Asset("sales_video")
DAY = "{{ dag_run.run_after | ds }}"


@dag(
    schedule=None,  # in life "@daily"
    tags=["json2video", "example"],
    doc_md=__doc__,
    params={"database": DATABASE, "folder": FOLDER},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
)
def example_json2video_etl():
    @task
    def fill(database: str, day: str) -> None:
        """Stands for whatever fills your database: a week of sales in three regions."""
        import sqlite3
        from contextlib import closing

        import pandas

        days = pandas.date_range(end=day, periods=7).strftime("%Y-%m-%d")
        regions = ["North", "South", "West"]
        sales = [(d, r, 900 + 170 * ((i + 1) * (j + 2) % 7)) for i, d in enumerate(days) for j, r in enumerate(regions)]
        with closing(sqlite3.connect(database)) as connection:
            frame = pandas.DataFrame(sales, columns=["day", "region", "amount"])
            frame.to_sql("sales", connection, if_exists="replace", index=False)

    # [START howto_etl_chart]
    @task
    def draw(database: str, day: str, folder: str) -> dict:
        """The figures that the video tells, and a chart of them where every worker can read it."""
        import hashlib
        import io
        import sqlite3
        from contextlib import closing

        import pandas
        from matplotlib.figure import Figure  # not pyplot: a worker has no display, and this leaves nothing open

        week = "SELECT * FROM sales WHERE day BETWEEN date(?, '-6 days') AND ?"
        with closing(sqlite3.connect(database)) as connection:
            sales = pandas.read_sql(week, connection, params=(day, day))
        if sales.empty:
            raise AirflowSkipException(f"No sales in the week until {day}: no video, no credits.")

        figure = Figure(figsize=(12.8, 7.2), layout="constrained")
        table = sales.pivot_table(index="day", columns="region", values="amount", aggfunc="sum")
        table.plot.bar(ax=figure.subplots(), stacked=True, rot=0, xlabel="", title=f"Sales until {day}")
        png = io.BytesIO()
        figure.savefig(png, format="png")

        # Another chart, another name: JSON2Video would take a file of the same name and size for the same one.
        chart = f"{folder}/charts/{day}-{hashlib.sha256(png.getvalue()).hexdigest()[:8]}.png"
        path = ObjectStoragePath(chart)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png.getvalue())
        best = sales.groupby("region")["amount"].sum().idxmax()
        return {"total": f"EUR {sales['amount'].sum():,}", "best": best, "chart": chart}

    # [END howto_etl_chart]

    # [START howto_etl_video]
    figures = draw("{{ params.database }}", DAY, "{{ params.folder }}")
    upload = JSON2VideoUploadMediaOperator(task_id="upload", source=figures["chart"], folder="charts")

    @task.json2video_render(
        destination="{{ params.folder }}/sales-{{ dag_run.run_after | ds }}.mp4",
        overwrite=True,  # a cleared run replaces the video of its day
        outlets=[SALES_VIDEO],  # the event tells file, url and duration
        max_credits=10,
        deferrable=True,
    )
    def video(figures: dict, chart: str) -> dict:
        headline = f"{figures['total']} in a week, most of it {figures['best']}"
        return {
            "resolution": "hd",
            "scenes": [
                {"duration": 2, "elements": [{"type": "text", "text": headline}], "background-color": "#1c1640"},
                {"duration": 4, "elements": [{"type": "image", "src": chart, "resize": "cover"}]},
            ],
        }

    video(figures, upload.output["url"])
    # [END howto_etl_video]

    fill("{{ params.database }}", DAY) >> figures


example_json2video_etl()
