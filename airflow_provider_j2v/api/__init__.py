"""The JSON2Video API itself. Knows no Airflow."""
