"""The movie JSON as a document. Knows no Airflow."""
