"""The catalog of AI models: read, resolve, compare. Knows no Airflow."""
