"""Links shown with a task in the Airflow UI."""
