"""Hooks: from Airflow Connections to the API."""
