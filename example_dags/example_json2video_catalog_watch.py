"""Catalog watch: runs when AI models or their prices have changed, and says what changed.

It is scheduled on the alias that ``example_json2video_catalog`` announces changes on. Triggered by hand, it tells the
newest change again.
"""

from __future__ import annotations

from airflow.sdk import AssetAlias, dag, task

# [START howto_catalog_watch]
CHANGES = AssetAlias("json2video_catalog_changes")


@dag(schedule=[CHANGES], tags=["json2video", "example"], doc_md=__doc__)
def example_json2video_catalog_watch():
    @task(inlets=[CHANGES])
    def tell(triggering_asset_events=None, inlet_events=None) -> list[str]:
        """In life: a message to the people who pay."""
        events = triggering_asset_events.get(CHANGES) or inlet_events[CHANGES][-1:]
        told = [sentence for event in events for sentence in event.extra["told"]]
        print(*told or ["No change is known."], sep="\n")
        return told

    tell()


example_json2video_catalog_watch()
# [END howto_catalog_watch]
